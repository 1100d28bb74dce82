"""The images that a comparison shows side by side: each view is one way to see the same frames."""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import closing
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.resample import bicubic
from pipeline.config.target_fields import Size
from pipeline.diagnostics.comparison.clip import Clip
from pipeline.diagnostics.comparison.timeline import Timeline
from pipeline.diagnostics.quality import frame_image, to_8_bit
from pipeline.frame import Frame
from pipeline.superres.session import Session

Image = NDArray[np.uint8]
"""(H, W, 3), RGB, 0 to 255."""


Images = Generator[tuple[int, Image], None, None]
"""Images, each with its index into a timeline. `close` closes the file, if the iteration ends early."""


class View(Protocol):
    """A source of images of one size for the times of a timeline."""

    def images(self, timeline: Timeline, wanted: Collection[int], size: Size) -> Images:
        """Yield the images of the frames `wanted`, indices into the times, in order; not those that don't exist.

        Args:
            timeline: The times.
            wanted: The indices of the frames.
            size: Of the images. Frames of another size are resampled bicubically.
        """


class ClipView:
    """The frames of a file as they are; those of the source are enlarged, which is the row "bicubic"."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip

    def images(self, timeline: Timeline, wanted: Collection[int], size: Size) -> Images:
        with closing(self._clip.frames()) as frames:
            for index, frame in timeline.match(frames, wanted):
                image = to_image(frame, size)
                frame.release()
                yield index, image


class SessionView:
    """The frames of a file, upscaled by a session."""

    def __init__(self, clip: Clip, session: Session[Any]) -> None:
        self._clip, self._session = clip, session

    def images(self, timeline: Timeline, wanted: Collection[int], size: Size) -> Images:
        with closing(self._clip.frames()) as frames:
            for index, frame in timeline.match(frames, wanted):
                upscaled = self._session.collect(self._session.submit(frame))
                image = to_image(upscaled, size)
                upscaled.release()
                yield index, image


def to_image(frame: Frame, size: Size) -> Image:
    """A frame as an image of `size`."""
    return to_8_bit(bicubic(frame_image(frame), size[1], size[0]))
