"""Rotation and mirroring of frames, for outputs that can't carry a display matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

import numpy as np

from pipeline.colour.chroma import upsample
from pipeline.flow.stage import Stage
from pipeline.frame import PIXEL_FORMATS, Frame, FrameFormat, PixelFormat, Plane, Siting

_ONE = 1 << 16  # in a display matrix: 16.16 fixed point
_TOLERANCE = 1 / 1024  # of a matrix's largest number: some containers store a rounded angle
_SITINGS: dict[tuple[int | None, int | None], Siting] = {siting.phases: siting for siting in Siting}
# Chroma phases counted from the other end, by whether the length is odd.
_MIRRORED_PHASES = {True: {0: 0}, False: {0: 2, 1: 1, 2: 0}}

Other = TypeVar("Other")


@dataclass(frozen=True)
class Orientation:
    """One of the eight combinations of rotation by multiples of 90 degrees and mirroring.

    Attributes:
        transposed: Rows become columns, first of all.
        across: Then the order of columns is reversed.
        down: And the order of rows is reversed.
    """

    transposed: bool = False
    across: bool = False
    down: bool = False

    @classmethod
    def from_matrix(cls, matrix: Sequence[int] | None) -> Self | None:
        """The orientation of a display matrix.

        A sample at x, y is displayed at a x + c y, b x + d y, where a, b, c, d are the numbers 0, 1, 3 and 4
        (libavutil/display.h). If their absolute values aren't 1, these are part of the sample aspect ratio.

        Args:
            matrix: Nine integers, None for no rotation.

        Returns:
            None if it is none of the eight.
        """
        if matrix is None:
            return cls()
        a, b, c, d = (matrix[index] for index in (0, 1, 3, 4))
        tolerance = _TOLERANCE * max(map(abs, (a, b, c, d)))
        if a and d and max(abs(b), abs(c)) <= tolerance:
            return cls(False, a < 0, d < 0)
        if b and c and max(abs(a), abs(d)) <= tolerance:
            return cls(True, c < 0, b < 0)
        return None

    @property
    def matrix(self) -> tuple[int, int, int, int]:
        """a, b, c and d of its display matrix, in 16.16 fixed point."""
        x, y = -_ONE if self.across else _ONE, -_ONE if self.down else _ONE
        return (0, y, x, 0) if self.transposed else (x, 0, 0, y)

    @property
    def mirrored(self) -> bool:
        """True if it mirrors the frame, so that it is more than a rotation."""
        return (self.across != self.down) != self.transposed

    @property
    def inverse(self) -> Orientation:
        """The orientation that undoes it."""
        return Orientation(True, self.down, self.across) if self.transposed else self

    def apply(self, samples: Plane) -> Plane:
        """A rotated view of `samples`, of shape (rows, columns, ...)."""
        transposed = samples.swapaxes(0, 1) if self.transposed else samples
        return transposed[:: -1 if self.down else 1, :: -1 if self.across else 1]

    def rotated_format(self, format: FrameFormat) -> FrameFormat:
        """The format of rotated frames of `format`.

        Chroma stays subsampled if there is a pixel format and a siting for it; else it becomes 4:4:4.
        """
        width, height = self.size(format.width, format.height)
        pixel, siting = self._pixel_format(format.pixel), self._siting(format)
        if pixel is None or siting is None:
            pixel, siting = _without_subsampling(format.pixel), format.colour.siting
        return FrameFormat(width, height, pixel, replace(format.colour, siting=siting))

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The width and height of a rotated frame of that size."""
        return (height, width) if self.transposed else (width, height)

    def _pixel_format(self, pixel: PixelFormat) -> PixelFormat | None:
        """`pixel` with its subsampling transposed if need be; None if there is no such format."""
        if not self.transposed or pixel.sub_x == pixel.sub_y:
            return pixel
        wanted = replace(pixel, name="", sub_x=pixel.sub_y, sub_y=pixel.sub_x)
        return next((each for each in PIXEL_FORMATS.values() if replace(each, name="") == wanted), None)

    def _siting(self, format: FrameFormat) -> Siting | None:
        """The siting in rotated frames; None if pairs of samples that share chroma are split by the reversal."""
        pixel, (x, y) = format.pixel, format.colour.siting.phases
        axes = [(x, bool(pixel.sub_x and format.width % 2)), (y, bool(pixel.sub_y and format.height % 2))]
        if self.transposed:
            axes.reverse()
        reversals = zip(axes, (self.across, self.down), strict=True)
        phases = [_MIRRORED_PHASES[odd].get(phase) if reverse else phase for (phase, odd), reverse in reversals]
        return _SITINGS.get((phases[0], phases[1]))

    def __str__(self) -> str:
        """Mirroring and rotation, clockwise, in words."""
        if self.mirrored:
            return "mirrored" if not self.transposed and self.across else f"mirrored and {self._rotation}"
        return self._rotation

    @property
    def _rotation(self) -> str:
        """The rotation, after mirroring from left to right if it is mirrored."""
        if not self.transposed:
            return "rotated by 180 degrees" if self.down else "not rotated"
        return f"rotated by {90 if self.across else 270} degrees"


class Rotate(Stage[Frame | Other, Frame | Other], Generic[Other]):
    """Rotates frames, mostly as views of their planes; other items pass.

    Chroma is interpolated, with respect to its siting, only if it can't stay subsampled: see
    `Orientation.rotated_format`.

    Args:
        orientation: The rotation.
        source: The format of the frames that are fed.

    Attributes:
        format: The format of the frames that are yielded.
    """

    def __init__(self, orientation: Orientation, source: FrameFormat) -> None:
        self.format = orientation.rotated_format(source)
        self._orientation = orientation
        self._upsamples = self.format.pixel.sub_x + self.format.pixel.sub_y < source.pixel.sub_x + source.pixel.sub_y

    def feed(self, item: Frame | Other) -> Iterator[Frame | Other]:
        yield self._rotate(item) if isinstance(item, Frame) else item

    def _rotate(self, frame: Frame) -> Frame:
        planes = _upsample_chroma(frame) if self._upsamples else frame.planes
        samples = 2 if self.format.pixel.interleaved else 1  # of chroma that stay together
        rotated = tuple(self._rotate_plane(plane, samples if index else 1) for index, plane in enumerate(planes))
        return replace(frame, format=self.format, planes=rotated)

    def _rotate_plane(self, plane: Plane, samples: int) -> Plane:
        """`plane` rotated, groups of that many samples in a row staying together."""
        rotated = self._orientation.apply(plane.reshape(plane.shape[0], -1, samples))
        return rotated.reshape(rotated.shape[0], -1)


def _without_subsampling(pixel: PixelFormat) -> PixelFormat:
    """The planar 4:4:4 format of the same depth."""
    wanted = replace(pixel, name="", sub_x=0, sub_y=0, interleaved=False, shift=0)
    return next(each for each in PIXEL_FORMATS.values() if replace(each, name="") == wanted)


def _upsample_chroma(frame: Frame) -> tuple[Plane, ...]:
    """The planes of `frame` in 4:4:4."""
    pixel, dtype = frame.format.pixel, frame.format.pixel.dtype
    luma, *others = (plane >> pixel.shift if pixel.shift else plane for plane in frame.planes)
    chroma = [others[0][:, 0::2], others[0][:, 1::2]] if pixel.interleaved else others[:2]
    alpha = [] if pixel.interleaved else others[2:]
    upsampled = [np.rint(upsample(plane.astype(np.float32), frame.format)).astype(dtype) for plane in chroma]
    return (luma, *upsampled, *alpha)
