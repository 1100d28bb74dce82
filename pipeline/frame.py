"""The neutral ground between the stages: what a frame is, where its samples lie and what they mean.

`media` makes and takes frames, `superres` turns small ones into large ones; neither knows the other.
Codes of colour are those of ITU-T H.273, which FFmpeg uses too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNSPECIFIED = 2

Plane = NDArray[Any]  # of uint8 or uint16


@dataclass(frozen=True)
class DevicePlane:
    """A plane in GPU memory: its address, and the bytes from one row to the next."""

    address: int
    pitch: int


class Siting(Enum):
    """Where a chroma sample lies among the luma samples that share it, by FFmpeg's names (H.273 figure 10).

    The last three have no code in H.273: they are what becomes of others when a picture is turned or mirrored.
    """

    LEFT = "left"
    CENTRE = "center"
    TOP_LEFT = "topleft"
    TOP = "top"
    BOTTOM_LEFT = "bottomleft"
    BOTTOM = "bottom"
    RIGHT = "right"
    TOP_RIGHT = "topright"
    BOTTOM_RIGHT = "bottomright"

    @property
    def phases(self) -> tuple[int, int]:
        """How far chroma lies right of, and below, the first of two luma samples: in halves of their distance."""
        return _PHASES[self]

    @property
    def coded(self) -> Siting:
        """The siting that files can be tagged with: this, or its mirror image."""
        return _WITHOUT_CODE.get(self, self)


_PHASES = {
    Siting.LEFT: (0, 1),
    Siting.CENTRE: (1, 1),
    Siting.TOP_LEFT: (0, 0),
    Siting.TOP: (1, 0),
    Siting.BOTTOM_LEFT: (0, 2),
    Siting.BOTTOM: (1, 2),
    Siting.RIGHT: (2, 1),
    Siting.TOP_RIGHT: (2, 0),
    Siting.BOTTOM_RIGHT: (2, 2),
}
_WITHOUT_CODE = {
    Siting.RIGHT: Siting.LEFT,
    Siting.TOP_RIGHT: Siting.TOP_LEFT,
    Siting.BOTTOM_RIGHT: Siting.BOTTOM_LEFT,
}


@dataclass(frozen=True)
class Colour:
    """What the samples of a frame mean.

    matrix, primaries, transfer: H.273 codes. full_range: 0..2^n-1 rather than "limited" 16..235 (x 2^(n-8)).
    """

    matrix: int
    full_range: bool
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    siting: Siting = Siting.LEFT


@dataclass(frozen=True)
class PixelFormat:
    """How the samples of a frame lie in memory, under FFmpeg's name for it.

    depth: bits of a sample. sub_x, sub_y: log2 of the chroma subsampling. interleaved: one plane of Cb, Cr pairs
    instead of two. shift: how far a sample is shifted up in its 16 bits. chroma: False for gray. rgb: the planes are
    green, blue and red instead of Y, Cb and Cr, always of full range, whatever the matrix and range of their Colour.
    alpha: there is one more plane, the last, of the picture's size: how opaque it is, 0 to 2^depth - 1 in any range.
    """

    name: str
    depth: int
    sub_x: int = 0
    sub_y: int = 0
    interleaved: bool = False
    shift: int = 0
    chroma: bool = True
    rgb: bool = False
    alpha: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8 if self.depth <= 8 else np.uint16)

    def plane_shapes(self, width: int, height: int) -> tuple[tuple[int, int], ...]:
        """(rows, samples in a row) of each plane; interleaved pairs count as two samples."""
        luma = (height, width)
        rows, columns = -(-height >> self.sub_y), -(-width >> self.sub_x)
        chroma = [(rows, 2 * columns)] if self.interleaved else [(rows, columns)] * 2
        return (luma, *(chroma if self.chroma else ()), *([luma] if self.alpha else ()))

    def frame_bytes(self, width: int, height: int) -> int:
        """Bytes of a frame whose planes lie one behind the other without padding."""
        return sum(rows * columns for rows, columns in self.plane_shapes(width, height)) * self.dtype.itemsize


def _planar() -> list[PixelFormat]:
    sub = {"420": (1, 1), "422": (1, 0), "444": (0, 0)}
    names = {8: "", 10: "10le", 12: "12le", 16: "16le"}
    yuv = [PixelFormat(f"yuv{s}p{names[d]}", d, *sub[s]) for s in sub for d in names]
    yuv += [PixelFormat(f"yuv440p{names[d]}", d, 0, 1) for d in (8, 10, 12)]
    rgb = [PixelFormat(f"gbrp{names[d]}", d, rgb=True) for d in names]
    gray = [PixelFormat(f"gray{names[d]}", d, chroma=False) for d in names]
    has_alpha = [(s, d) for s in sub for d in names if (s, d) != ("420", 12)]  # which FFmpeg does not have
    yuva = [PixelFormat(f"yuva{s}p{names[d]}", d, *sub[s], alpha=True) for s, d in has_alpha]
    return yuv + rgb + gray + yuva + [PixelFormat(f"gbrap{names[d]}", d, rgb=True, alpha=True) for d in names]


PIXEL_FORMATS = {
    f.name: f
    for f in (
        *_planar(),
        PixelFormat("nv12", 8, 1, 1, interleaved=True),
        PixelFormat("p010le", 10, 1, 1, interleaved=True, shift=6),
        PixelFormat("ya8", 8, chroma=False, alpha=True),  # which FFmpeg has packed only, as the next
        PixelFormat("ya16le", 16, chroma=False, alpha=True),
    )
}


def plain_name(format: str) -> str:
    """FFmpeg's name of a pixel format without the J that once meant full range."""
    return format.replace("yuvj", "yuv")


def without_alpha(pixel: PixelFormat) -> PixelFormat:
    """`pixel` without its alpha."""
    same = replace(pixel, name="", alpha=False)
    return next(found for found in PIXEL_FORMATS.values() if replace(found, name="") == same)


@dataclass(frozen=True)
class FrameFormat:
    """Everything that all frames of a stream have in common."""

    width: int
    height: int
    pixel: PixelFormat
    colour: Colour

    @cached_property
    def plane_shapes(self) -> tuple[tuple[int, int], ...]:
        return self.pixel.plane_shapes(self.width, self.height)

    @cached_property
    def bytes(self) -> int:
        return self.pixel.frame_bytes(self.width, self.height)

    def enlarged(self, scale: int) -> FrameFormat:
        """The same, `scale` times as wide and high."""
        return replace(self, width=self.width * scale, height=self.height * scale)

    def split(self, packed: Plane) -> tuple[Plane, ...]:
        """The planes of a frame that lies in `packed`, one flat array of `bytes` bytes, as views."""
        samples = packed.view(self.pixel.dtype)
        planes, start = [], 0
        for rows, columns in self.plane_shapes:
            planes.append(samples[start : start + rows * columns].reshape(rows, columns))
            start += rows * columns
        return tuple(planes)

    def __str__(self) -> str:
        return f"{self.width}x{self.height} {self.pixel.name}"


def _nothing() -> None:
    pass


@dataclass(slots=True)
class Frame:
    """One picture on its way.

    planes: host memory, each (rows, samples) of `format.pixel.dtype`; rows may be padded (strided).
    device_planes: where NVDEC left the samples in GPU memory; then there are no planes. interlaced: its odd and even
    rows were seen at two times, as its stream says.
    pts, duration: in the time base of the source's video stream. release: called once, by whoever is last to read
    the planes; a frame that lies in a slot gives it back.
    """

    format: FrameFormat
    planes: tuple[Plane, ...]
    pts: int
    duration: int = 0
    release: Callable[[], None] = _nothing
    device_planes: tuple[DevicePlane, ...] = ()
    interlaced: bool = False
