"""What one trial is given and what it tells, as JSON between two processes."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal, Protocol

import av
import numpy as np
from pydantic import BaseModel, Field

from pipeline.diagnostics.report import Row
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec


class Case(BaseModel):
    """What to upscale and how long to measure. device: "cpu" is for trying the code out; fp32 is used there."""

    network: str
    clip: Path
    folder: Path = Field(description="for what the trial makes")
    width: int
    height: int
    seconds: float
    device: Literal["cuda", "cpu"] = "cuda"
    patience: int = Field(120, description="seconds that a way may take to its first picture, compilation included")

    @property
    def model(self) -> ModelSpec:
        return catalogue.find(self.network, np.float16 if self.device == "cuda" else np.float32)


class Outcome(BaseModel):
    """What a trial found: rates in frames a second, or why there are none."""

    about: str | None = Field(None, description="libraries, versions and modes that did the work")
    engine: Row | None = Field(None, description="the network alone, where it was measured")
    discarded: Row | None = Field(None, description="input file to finished pictures in host memory, thrown away")
    encoded: Row | None = Field(None, description="input file to a file encoded by x264, ultrafast, crf 20")
    reason: str | None = Field(None, description="why it was not run, or not to its end")


class Upscaler(Protocol):
    """One way to upscale the case's clip.

    about: libraries, versions and modes. threaded: whether encoding runs beside it, in a thread of its own.
    """

    about: str
    threaded: bool

    def pictures(self) -> Generator[Any, None, None]:
        """Finished pictures in host memory, 8 bits a sample, as this way has them; the clip again and again."""

    def frame(self, picture: Any) -> av.VideoFrame:
        """A picture as the encoder takes it, yuv420p."""
