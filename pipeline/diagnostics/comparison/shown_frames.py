"""The frames that are on a page, few and small enough that the page can be sent and opened."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from pipeline.config.target_fields import Size
from pipeline.diagnostics.comparison.views import Image

MAX_FRAMES = 24
MAX_PIXELS = 90_000_000  # of all images: some 25 MB as WebP of high quality, and 270 MB in memory
_MIN_FRAMES = 2  # images are cropped before there is only one


@dataclass(frozen=True)
class ShownFrames:
    """The frames and the part of them that a page shows.

    Attributes:
        indices: Of the frames, increasing.
        size: Of the part in the middle of each frame.
        every: The distance of two indices.
    """

    indices: tuple[int, ...]
    size: Size
    every: int

    @classmethod
    def choose(cls, frames: int, size: Size, rows: int, every: int | None = None) -> Self:
        """Choose as many frames as MAX_FRAMES and MAX_PIXELS allow.

        Args:
            frames: How many there are.
            size: Of each.
            rows: Images of each frame.
            every: The distance of two frames, from the first one on; None: they are spread over all.
        """
        pixels = MAX_PIXELS // (rows * size[0] * size[1])  # frames of full size
        count = min(MAX_FRAMES, max(pixels, min(_MIN_FRAMES, frames)))
        step = every or math.ceil(frames / count)
        indices = tuple(range(0, frames, step))[:count]
        ratio = min(1.0, math.sqrt(MAX_PIXELS / (rows * len(indices) * size[0] * size[1])))
        return cls(indices, (max(1, int(size[0] * ratio)), max(1, int(size[1] * ratio))), step)

    def crop(self, image: Image) -> Image:
        """The part of an image that is shown, in memory of its own."""
        (width, height), (rows, columns) = self.size, image.shape[:2]
        top, left = (rows - height) // 2, (columns - width) // 2
        return image[top : top + height, left : left + width].copy()

    def notes(self, frames: int, size: Size) -> list[str]:
        """What of `frames` frames of `size` is not on the page, one line each."""
        lines = []
        if len(self.indices) < frames:
            which = "every frame" if self.every == 1 else f"one of {self.every} frames"
            lines.append(f"the page shows {len(self.indices)} of {frames} frames: {which} from the first on")
        if self.size != size:
            lines.append(f"the page shows {self.size[0]}x{self.size[1]} in the middle of {size[0]}x{size[1]}")
        return lines
