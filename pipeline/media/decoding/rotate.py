"""Pictures set upright: where a result can't say how players shall turn it, its samples are turned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from pipeline.colour.chroma import upsample
from pipeline.flow.stage import Stage
from pipeline.frame import PIXEL_FORMATS, Frame, FrameFormat, PixelFormat, Plane, Siting

_ONE = 1 << 16
_ROUNDED = 1 / 1024  # of a matrix's largest number: some containers store an angle, in few bits
_SITINGS: dict[tuple[int | None, int | None], Siting] = {siting.phases: siting for siting in Siting}
_MIRRORED = {True: {0: 0}, False: {0: 2, 1: 1, 2: 0}}  # whether the length is odd: phase: as counted from the end


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to lay a picture: rows become columns, or not; then either's order is reversed, or not."""

    transposed: bool = False
    across: bool = False
    down: bool = False

    @classmethod
    def from_matrix(cls, matrix: Sequence[int] | None) -> Self | None:
        """What the nine numbers of a display matrix do, upright if there is none; None if it is none of the eight.

        A sample at x, y is shown at a x + c y, b x + d y, where a, b, c, d are numbers 0, 1, 3 and 4 (libavutil's
        display.h). Their size, if they aren't 1, is part of the sample aspect ratio.
        """
        if matrix is None:
            return cls()
        a, b, c, d = (matrix[place] for place in (0, 1, 3, 4))
        least = _ROUNDED * max(map(abs, (a, b, c, d)))
        if a and d and max(abs(b), abs(c)) <= least:
            return cls(False, a < 0, d < 0)
        if b and c and max(abs(a), abs(d)) <= least:
            return cls(True, c < 0, b < 0)
        return None

    @property
    def matrix(self) -> tuple[int, int, int, int]:
        """a, b, c and d of its display matrix, in 16.16 bits."""
        x, y = -_ONE if self.across else _ONE, -_ONE if self.down else _ONE
        return (0, y, x, 0) if self.transposed else (x, 0, 0, y)

    @property
    def mirrored(self) -> bool:
        """Whether no turn alone does it."""
        return (self.across != self.down) != self.transposed

    @property
    def inverse(self) -> Orientation:
        """What undoes it."""
        return Orientation(True, self.down, self.across) if self.transposed else self

    def apply(self, samples: Plane) -> Plane:
        """A view of `samples`, (rows, columns, ...), laid so."""
        turned = samples.swapaxes(0, 1) if self.transposed else samples
        return turned[:: -1 if self.down else 1, :: -1 if self.across else 1]

    def rotated_format(self, format: FrameFormat) -> FrameFormat:
        """What frames of `format` become: chroma as it is, where that can be said of the turned picture, else whole."""
        width, height = self.size(format.width, format.height)
        pixel, siting = self._pixel(format.pixel), self._siting(format)
        if pixel is None or siting is None:
            pixel, siting = _whole(format.pixel), format.colour.siting
        return FrameFormat(width, height, pixel, replace(format.colour, siting=siting))

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of what is so large before."""
        return (height, width) if self.transposed else (width, height)

    def _pixel(self, pixel: PixelFormat) -> PixelFormat | None:
        if not self.transposed or pixel.sub_x == pixel.sub_y:
            return pixel
        wanted = replace(pixel, name="", sub_x=pixel.sub_y, sub_y=pixel.sub_x)
        return next((found for found in PIXEL_FORMATS.values() if replace(found, name="") == wanted), None)

    def _siting(self, format: FrameFormat) -> Siting | None:
        """Where chroma lies afterwards; None where its pairs of rows or columns aren't pairs from the other end."""
        pixel, (x, y) = format.pixel, format.colour.siting.phases
        axes = [(x, bool(pixel.sub_x and format.width % 2)), (y, bool(pixel.sub_y and format.height % 2))]
        if self.transposed:
            axes.reverse()
        reversals = zip(axes, (self.across, self.down), strict=True)
        found = [_MIRRORED[odd].get(phase) if reverse else phase for (phase, odd), reverse in reversals]
        return _SITINGS.get((found[0], found[1]))

    def __str__(self) -> str:
        """As people say it: what is done to the picture, turned clockwise."""
        if self.mirrored:
            return "mirrored" if not self.transposed and self.across else f"mirrored and {self._turn}"
        return self._turn

    @property
    def _turn(self) -> str:
        """By how much it is turned, if need be after it was mirrored from left to right."""
        if not self.transposed:
            return "turned by 180 degrees" if self.down else "not turned"
        return f"turned by {90 if self.across else 270} degrees"


class Rotate(Stage[Any, Any]):
    """Lays the frames of `source` as `orientation` says: views of their planes, mostly.

    format: what they are afterwards. Only chroma that can't stay as it is (4:2:2 that no turned format holds, pairs of
    an odd length) is interpolated where it is sited, and interleaved chroma copied.
    """

    def __init__(self, orientation: Orientation, source: FrameFormat) -> None:
        self.format = orientation.rotated_format(source)
        self._orientation = orientation
        self._is_whole = self.format.pixel.sub_x + self.format.pixel.sub_y < source.pixel.sub_x + source.pixel.sub_y

    def feed(self, item: Any) -> Iterator[Any]:
        yield self._turned(item) if isinstance(item, Frame) else item

    def _turned(self, frame: Frame) -> Frame:
        planes = _widened(frame) if self._is_whole else frame.planes
        step = 2 if self.format.pixel.interleaved else 1
        turned = tuple(self._laid(plane, step if index else 1) for index, plane in enumerate(planes))
        return replace(frame, format=self.format, planes=turned)

    def _laid(self, plane: Plane, step: int) -> Plane:
        """`plane`, laid; `step`: samples that belong together in a row."""
        laid = self._orientation.apply(plane.reshape(plane.shape[0], -1, step))
        return laid.reshape(laid.shape[0], -1)


def _whole(pixel: PixelFormat) -> PixelFormat:
    """`pixel` in planes, with chroma for each sample of luma."""
    wanted = replace(pixel, name="", sub_x=0, sub_y=0, interleaved=False, shift=0)
    return next(found for found in PIXEL_FORMATS.values() if replace(found, name="") == wanted)


def _widened(frame: Frame) -> tuple[Plane, ...]:
    """The planes of `frame` with chroma for each sample of luma."""
    pixel, dtype = frame.format.pixel, frame.format.pixel.dtype
    luma, *chroma = (plane >> pixel.shift if pixel.shift else plane for plane in frame.planes)
    colours = [chroma[0][:, 0::2], chroma[0][:, 1::2]] if pixel.interleaved else chroma[:2]
    opaque = [] if pixel.interleaved else chroma[2:]
    wide = [np.rint(upsample(plane.astype(np.float32), frame.format)).astype(dtype) for plane in colours]
    return (luma, *wide, *opaque)
