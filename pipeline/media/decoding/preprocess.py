"""What makes frames as they are decoded those that the upscaler is given."""

from __future__ import annotations

from typing import Any

from pipeline.flow.stage import Stage
from pipeline.frame import FrameFormat
from pipeline.media.decoding.interlace.bwdif import Deinterlace, Deinterlacing
from pipeline.media.decoding.rotate import Orientation, Rotate


def preprocess(
    format: FrameFormat, lasting: int, deinterlacing: Deinterlacing | None, turn: Orientation | None
) -> list[Stage[Any, Any]]:
    """The stages for frames of `format`, which last so many ticks; None where nothing of the kind is to be done."""
    stages: list[Stage[Any, Any]] = []
    if deinterlacing is not None:
        stages.append(Deinterlace(deinterlacing, format, lasting))
    if turn is not None:
        stages.append(Rotate(turn, format))
    return stages
