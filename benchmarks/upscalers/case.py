"""The input and the outcome of one trial, passed as JSON between two processes."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal, Protocol

import av
import numpy as np
from pydantic import BaseModel, Field

from pipeline import BenchmarkRow, ModelSpec, find_model


class Case(BaseModel):
    """What to upscale and how long to measure. `device` "cpu" is for trying the code out; fp32 is used there."""

    network: str
    clip: Path
    folder: Path = Field(description="for the files of the trial")
    width: int
    height: int
    seconds: float
    device: Literal["cuda", "cpu"] = "cuda"
    patience: int = Field(120, description="maximum seconds to the first frame, including compilation")

    @property
    def model(self) -> ModelSpec:
        return find_model(self.network, np.float16 if self.device == "cuda" else np.float32)


class Outcome(BaseModel):
    """The outcome of a trial: rates in frames per second, or the reason why there are none."""

    about: str | None = Field(None, description="libraries, versions and modes that were used")
    engine: BenchmarkRow | None = Field(None, description="the network alone, if it was measured")
    discarded: BenchmarkRow | None = Field(None, description="input file to upscaled frames in main memory, discarded")
    encoded: BenchmarkRow | None = Field(None, description="input file to a file encoded by x264, ultrafast, crf 20")
    reason: str | None = Field(None, description="why it was not run, or failed")


class Upscaler(Protocol):
    """Upscales the clip of a case.

    Attributes:
        about: Libraries, versions and modes.
        threaded: Whether it may run in a thread of its own beside the encoder.
    """

    about: str
    threaded: bool

    def frames(self) -> Generator[Any, None, None]:
        """Upscaled frames of the repeated clip in main memory, 8 bits per sample, in the upscaler's own layout."""

    def to_av_frame(self, frame: Any) -> av.VideoFrame:
        """A frame as the encoder takes it, yuv420p."""
