"""Frames that NVDEC decoded, in GPU memory, each with an event after which its samples are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import av

from pipeline.frame import DevicePlane, Frame, FrameFormat
from pipeline.media.decoding import nvdec
from pipeline.system.cuda import Gpu

if TYPE_CHECKING:
    from cuda.core import Event


class NvdecFrames:
    """Makes Frames of those of FFmpeg, whose samples are still being copied when it yields them.

    All decoders queue their work on one stream. An event that was recorded when a frame is upscaled would also wait for
    frames that were decoded after it. So one is recorded as soon as FFmpeg has yielded frames, once for all of them.

    Args:
        gpu: The GPU; None: no events are recorded.
    """

    def __init__(self, gpu: Gpu | None) -> None:
        self._gpu = gpu
        self._decoded: Event | None = None

    def mark_decoded(self, frames: Sequence[av.VideoFrame]) -> None:
        """Record the event of `frames`, which FFmpeg has just yielded. Nothing is done for those in main memory."""
        if self._gpu is not None and frames and frames[-1].format.name == nvdec.FORMAT:
            self._decoded = self._gpu.decoded_event()

    def make(self, frame: av.VideoFrame, format: FrameFormat, pts: int, duration: int) -> Frame:
        """The Frame of a marked frame in GPU memory."""
        owner = [frame]  # FFmpeg may use the memory again once the list is cleared
        planes = tuple(DevicePlane(plane.buffer_ptr, plane.line_size) for plane in frame.planes)
        return Frame(format, (), pts, duration, owner.clear, planes, decoded=self._decoded)
