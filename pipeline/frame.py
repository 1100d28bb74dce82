"""Frames, as the stages exchange them: their samples, the layout of these in memory, and their colour.

`media` and `superres` depend on this module and not on each other. Colour codes are those of ITU-T H.273, as FFmpeg's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cuda.core import Event

UNSPECIFIED = 2  # H.273's code for an unknown matrix, primaries or transfer

Plane = NDArray[Any]
"""A plane of a frame: (rows, samples) of uint8 or uint16."""


@dataclass(frozen=True)
class DevicePlane:
    """A plane in GPU memory.

    Attributes:
        address: The address of its first sample, in the device's primary CUDA context.
        pitch: The distance between the beginnings of two rows, in bytes.
    """

    address: int
    pitch: int


class Siting(Enum):
    """The location of a chroma sample among the luma samples that share it (H.273, figure 10), by FFmpeg's names.

    The last three have no code in H.273: they result from rotating or mirroring a frame.
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
        """The horizontal and vertical distance from the first of two luma samples, in halves of their distance."""
        return _PHASES[self]

    @property
    def coded(self) -> Siting:
        """The siting that files can be tagged with: itself, or its mirror image."""
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
    """The interpretation of a frame's samples.

    Attributes:
        matrix: H.273 code of the matrix coefficients.
        full_range: Luma of depth n is 0 to 2^n - 1; else it is limited to 16 to 235, times 2^(n-8).
        primaries: H.273 code of the colour primaries.
        transfer: H.273 code of the transfer characteristics.
        siting: The location of chroma samples.
    """

    matrix: int
    full_range: bool
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    siting: Siting = Siting.LEFT


@dataclass(frozen=True)
class PixelFormat:
    """The layout of samples in memory.

    Attributes:
        name: FFmpeg's name.
        depth: Bits of a sample.
        sub_x: log2 of the horizontal chroma subsampling.
        sub_y: log2 of the vertical chroma subsampling.
        interleaved: Chroma is one plane of Cb, Cr pairs instead of two planes.
        shift: Bits by which a sample is shifted up in its 16 bits.
        chroma: False for gray.
        rgb: The planes are green, blue and red instead of Y, Cb and Cr. Always of full range.
        alpha: The last plane is opacity, as large as the first, 0 to 2^depth - 1 in any range.
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
        """The type of a sample, uint8 or uint16."""
        return np.dtype(np.uint8 if self.depth <= 8 else np.uint16)

    def plane_shapes(self, width: int, height: int) -> tuple[tuple[int, int], ...]:
        """(rows, samples in a row) of each plane of a frame; an interleaved pair is two samples."""
        luma = (height, width)
        rows, columns = -(-height >> self.sub_y), -(-width >> self.sub_x)
        chroma = [(rows, 2 * columns)] if self.interleaved else [(rows, columns)] * 2
        return (luma, *(chroma if self.chroma else ()), *([luma] if self.alpha else ()))

    def frame_bytes(self, width: int, height: int) -> int:
        """The bytes of a frame without padding."""
        return sum(rows * columns for rows, columns in self.plane_shapes(width, height)) * self.dtype.itemsize


def _planar() -> list[PixelFormat]:
    sub = {"420": (1, 1), "422": (1, 0), "444": (0, 0)}
    names = {8: "", 10: "10le", 12: "12le", 16: "16le"}
    yuv = [PixelFormat(f"yuv{s}p{names[d]}", d, *sub[s]) for s in sub for d in names]
    yuv += [PixelFormat(f"yuv440p{names[d]}", d, 0, 1) for d in (8, 10, 12)]
    rgb = [PixelFormat(f"gbrp{names[d]}", d, rgb=True) for d in names]
    gray = [PixelFormat(f"gray{names[d]}", d, chroma=False) for d in names]
    has_alpha = [(s, d) for s in sub for d in names if (s, d) != ("420", 12)]  # FFmpeg has no yuva420p12le
    yuva = [PixelFormat(f"yuva{s}p{names[d]}", d, *sub[s], alpha=True) for s, d in has_alpha]
    return yuv + rgb + gray + yuva + [PixelFormat(f"gbrap{names[d]}", d, rgb=True, alpha=True) for d in names]


PIXEL_FORMATS = {
    f.name: f
    for f in (
        *_planar(),
        PixelFormat("nv12", 8, 1, 1, interleaved=True),
        PixelFormat("p010le", 10, 1, 1, interleaved=True, shift=6),
        PixelFormat("ya8", 8, chroma=False, alpha=True),  # FFmpeg has this one and the next only packed
        PixelFormat("ya16le", 16, chroma=False, alpha=True),
    )
}
"""The supported pixel formats, by FFmpeg's names."""


def plain_name(format: str) -> str:
    """FFmpeg's name of a pixel format without the J of "yuvj420p", which means full range."""
    return format.replace("yuvj", "yuv")


def without_alpha(pixel: PixelFormat) -> PixelFormat:
    """The same format without an alpha plane."""
    wanted = replace(pixel, name="", alpha=False)
    return next(each for each in PIXEL_FORMATS.values() if replace(each, name="") == wanted)


@dataclass(frozen=True)
class FrameFormat:
    """The properties that all frames of a stream share.

    Attributes:
        width: In luma samples.
        height: In luma rows.
        pixel: The layout of the samples.
        colour: The interpretation of the samples.
    """

    width: int
    height: int
    pixel: PixelFormat
    colour: Colour

    @cached_property
    def plane_shapes(self) -> tuple[tuple[int, int], ...]:
        """(rows, samples in a row) of each plane."""
        return self.pixel.plane_shapes(self.width, self.height)

    @cached_property
    def bytes(self) -> int:
        """The bytes of a frame without padding."""
        return self.pixel.frame_bytes(self.width, self.height)

    def enlarged(self, scale: int) -> FrameFormat:
        """The format of frames that are `scale` times as wide and high."""
        return self.resized(self.width * scale, self.height * scale)

    def resized(self, width: int, height: int) -> FrameFormat:
        """The format of frames of another size."""
        return replace(self, width=width, height=height)

    def split(self, packed: Plane) -> tuple[Plane, ...]:
        """Views of the planes of a frame that is stored without padding.

        Args:
            packed: A one-dimensional array of `bytes` bytes.
        """
        samples = packed.view(self.pixel.dtype)
        planes, start = [], 0
        for rows, columns in self.plane_shapes:
            planes.append(samples[start : start + rows * columns].reshape(rows, columns))
            start += rows * columns
        return tuple(planes)

    def device_planes(self, address: int) -> tuple[DevicePlane, ...]:
        """The planes of a frame that is stored without padding in GPU memory, at `address`."""
        planes = []
        for rows, columns in self.plane_shapes:
            pitch = columns * self.pixel.dtype.itemsize
            planes.append(DevicePlane(address, pitch))
            address += rows * pitch
        return tuple(planes)

    def __str__(self) -> str:
        return f"{self.width}x{self.height} {self.pixel.name}"


def _do_nothing() -> None:
    pass


@dataclass(slots=True)
class Frame:
    """A frame of a video.

    Attributes:
        format: The format of its planes.
        planes: In main memory, each of shape (rows, samples) and type `format.pixel.dtype`; rows may be padded.
        pts: Its timestamp, in the time base of the source's video stream.
        duration: In the time base of `pts`, 0 if unknown.
        release: Returns the memory of the planes; the last reader calls it, once.
        device_planes: The planes in GPU memory, of a frame that NVDEC decoded or that a program holds there; `planes`
            is empty then.
        interlaced: The stream marks its odd and even rows as two fields, captured at two times.
        captions: Closed captions (CEA-608 and 708) that the stream has with it, the three-byte constructs cc_data of
            CTA-708; empty for none.
        decoded: Completes once NVDEC has written `device_planes`; None: once it has done all its work so far.
    """

    format: FrameFormat
    planes: tuple[Plane, ...]
    pts: int
    duration: int = 0
    release: Callable[[], None] = _do_nothing
    device_planes: tuple[DevicePlane, ...] = ()
    interlaced: bool = False
    captions: bytes = b""
    decoded: Event | None = None
