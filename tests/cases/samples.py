"""Samples in and out of FFmpeg's frames: their colour tags, their memory layout, and their rotation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Edges = tuple[int, int, int, int]
"""Columns and rows at the edges of a frame: left, right, top, bottom."""

UNSPECIFIED = 2  # H.273
UNCROPPED: Edges = (0, 0, 0, 0)
_NAMES = {0: "rgb", 1: "709", 2: "—", 4: "fcc", 5: "470bg", 6: "170m", 7: "240m", 9: "2020"}
_TRANSFERS = {1: "709", 2: "—", 4: "gamma22", 5: "gamma28", 6: "170m", 7: "240m", 8: "linear", 13: "srgb"}
_TRANSFERS |= {14: "2020-10", 15: "2020-12", 16: "pq", 18: "hlg"}
_PACKED = re.compile(r"([rgba0]{3,4}|ya)\d*(?:le|be)?")


@dataclass(frozen=True)
class Tags:
    """Colour tags.

    Attributes:
        matrix: H.273 code, as are primaries and transfer.
        primaries: see matrix.
        transfer: see matrix.
        full: whether the range is full; None if unspecified.
        siting: of chroma, by FFmpeg's name; None if unspecified.
    """

    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    full: bool | None = None
    siting: str | None = None

    def __str__(self) -> str:
        codes = _NAMES.get(self.matrix), _NAMES.get(self.primaries), _TRANSFERS.get(self.transfer)
        range_ = "—" if self.full is None else "pc" if self.full else "tv"
        return f"{'/'.join(str(code) for code in codes)} {range_} {self.siting or '—'}"


@dataclass(frozen=True)
class Layout:
    """The layout of samples.

    Attributes:
        name: FFmpeg's pixel format.
        bits: of a sample.
        sub_x: binary logarithm of the horizontal chroma subsampling.
        sub_y: of the vertical one.
        kinds: the planes, such as RGBA or Y.
    """

    name: str
    bits: int
    sub_x: int
    sub_y: int
    kinds: str

    @property
    def highest(self) -> int:
        return (1 << self.bits) - 1

    @property
    def alpha(self) -> bool:
        return self.kinds.endswith("A")


def layout(name: str) -> Layout:
    """Returns the layout of FFmpeg's pixel format `name`."""
    format = av.VideoFormat(name, 64, 64)
    about = format.components
    grey = not format.is_rgb and len(about) <= 2
    kinds = ("RGB" if format.is_rgb else "Y" if grey else "YUV") + "A" * any(one.is_alpha for one in about)
    across, down = (1, 1) if grey else (64 // format.chroma_width(64), 64 // format.chroma_height(64))
    return Layout(name, about[0].bits, across.bit_length() - 1, down.bit_length() - 1, kinds)


def make_frame(name: str, planes: Sequence[NDArray[np.floating]]) -> av.VideoFrame:
    """Makes a frame of pixel format `name` with these samples, rounded, a plane for each of its layout's kinds."""
    height, width = planes[0].shape
    frame, about = av.VideoFrame(width, height, name), layout(name)
    dtype = _dtype(about)
    codes = [np.clip(np.rint(plane), 0, about.highest).astype(dtype) for plane in planes]
    if order := _order(about):
        by_kind = {kind.lower(): plane for kind, plane in zip(about.kinds, codes, strict=True)}
        packed = [by_kind.get(kind, np.zeros_like(codes[0])) for kind in order]
        _fill(frame.planes[0], np.stack(packed, axis=-1).reshape(height, -1).astype(dtype))
        return frame
    for component, plane in zip(frame.format.components, codes, strict=True):
        _fill(frame.planes[component.plane], plane)
    return frame


def planes(frame: av.VideoFrame) -> list[NDArray[np.int64]]:
    """Returns the samples of a frame, a plane for each of its layout's kinds."""
    about = layout(frame.format.name)
    dtype = _dtype(about)
    raw = [_rows(plane, dtype) for plane in frame.planes]
    if order := _order(about):
        width = frame.width * len(order)
        packed = raw[0][:, :width].reshape(frame.height, frame.width, len(order))
        return [packed[..., order.index(kind.lower())].astype(np.int64) for kind in about.kinds]
    parts = frame.format.components
    return [raw[part.plane][: part.height, : part.width].astype(np.int64) for part in parts]


def cropped(samples: NDArray[Any], edges: Edges, sub_x: int = 0, sub_y: int = 0) -> NDArray[Any]:
    """Cuts the edges, counted in luma samples, off (..., H, W) samples, subsampled by these binary logarithms."""
    left, right, top, bottom = edges[0] >> sub_x, edges[1] >> sub_x, edges[2] >> sub_y, edges[3] >> sub_y
    return samples[..., top : samples.shape[-2] - bottom, left : samples.shape[-1] - right]


def rotate(samples: NDArray[Any], matrix: tuple[int, ...]) -> NDArray[Any]:
    """Rotates (..., H, W) samples as players do for a display matrix, which is one of the eight right-angled ones."""
    if not matrix:
        return samples
    a, b, _, c, d = matrix[:5]
    rotated = samples.swapaxes(-1, -2) if transposes(matrix) else samples
    across, down = (c, b) if transposes(matrix) else (a, d)
    rotated = rotated[..., ::-1] if across < 0 else rotated
    return rotated[..., ::-1, :] if down < 0 else rotated


def transposes(matrix: tuple[int, ...]) -> bool:
    """True if a display matrix exchanges rows and columns."""
    return bool(matrix) and matrix[0] == 0


def _rows(plane: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.frombuffer(plane, dtype).reshape(plane.height, plane.line_size // dtype.itemsize)


def _fill(plane: Any, codes: NDArray[Any]) -> None:
    rows = np.zeros((plane.height, plane.line_size), np.uint8)
    raw = np.ascontiguousarray(codes).view(np.uint8)
    rows[:, : raw.shape[1]] = raw
    plane.update(rows)


def _dtype(about: Layout) -> np.dtype[Any]:
    return np.dtype(np.uint8 if about.bits <= 8 else ">u2" if about.name.endswith("be") else "<u2")


def _order(about: Layout) -> str | None:
    """The order of the samples of formats that keep all of a pixel in one plane; None for the others."""
    match = _PACKED.fullmatch(about.name)
    return match[1] if match and about.bits in (8, 16) else None
