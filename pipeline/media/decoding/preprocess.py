"""The stages between the decoder and the upscaler."""

from __future__ import annotations

from typing import Any

from pipeline.flow.stage import Stage
from pipeline.frame import FrameFormat
from pipeline.media.decoding.interlace.bwdif import Deinterlace, Deinterlacing
from pipeline.media.decoding.rotate import Orientation, Rotate


def preprocess(
    format: FrameFormat, frame_duration: int, deinterlacing: Deinterlacing | None, rotation: Orientation | None
) -> list[Stage[Any, Any]]:
    """The stages that convert decoded frames to those that the upscaler gets; none if there is nothing to do.

    Their items are frames; a FlushMarker ends at the deinterlacer, and items of any other type pass.

    Args:
        format: The format of the decoded frames.
        frame_duration: The usual duration of a frame, in ticks of the stream's time base.
        deinterlacing: The deinterlacing to apply, None for none.
        rotation: The rotation to apply after it, None for none.
    """
    stages: list[Stage[Any, Any]] = []
    if deinterlacing is not None:
        stages.append(Deinterlace(deinterlacing, format, frame_duration))
    if rotation is not None:
        stages.append(Rotate(rotation, format))
    return stages
