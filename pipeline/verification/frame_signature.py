"""A frame in a few numbers: the mean colours of the cells of a grid, the same for a picture and its enlargement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.colour.matrix import conversion
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Plane, plain_name
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.packed_formats import nearest_format, unpack

Signature = NDArray[np.float32]  # (3, rows, columns): R'G'B' of 0..255, as the tags say, not clamped

_COLUMNS, _ROWS = 48, 27
_LEAST_CELL = 2  # pixels: a cell holds a whole chroma sample
_PADDING = 2  # pixels that a codec may need beyond the picture
_BEHIND = 127.5  # of 255: the gray that shows through where a picture is transparent


@dataclass(frozen=True)
class Grid:
    """Where the cells of a picture begin and end: edges in pixels of luma, from 0 to its width and height."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]

    @classmethod
    def over(cls, width: int, height: int) -> Grid:
        """The grid of a picture of `width` x `height`."""
        return cls(_edges(width, _COLUMNS), _edges(height, _ROWS))

    def enlarged(self, width: int, height: int) -> Grid:
        """The same cells in an enlargement to `width` x `height`, which may be padded at its right and bottom."""
        return Grid(_scaled(self.columns, width), _scaled(self.rows, height))

    def laid(self, orientation: Orientation) -> Grid:
        """The same cells in a picture that is laid so."""
        columns, rows = (self.rows, self.columns) if orientation.transposed else (self.columns, self.rows)
        return Grid(_counted_back(columns, orientation.across), _counted_back(rows, orientation.down))


def scale_of(length: int, enlarged: int) -> float:
    """How many times `length` a side was enlarged to, padding apart."""
    whole = enlarged // length
    return float(whole) if whole and enlarged - whole * length < _PADDING else enlarged / length


def signature_of(planes: Sequence[Plane], format: FrameFormat, grid: Grid, alpha: bool = False) -> Signature:
    """The mean colours of the cells of `grid` in a frame. The conversion is linear, so means may be converted.

    alpha: what is transparent is seen before gray, in cells as a whole; else alpha is not looked at.
    """
    colours = planes[:-1] if format.pixel.alpha else planes
    seen = _colours(colours, format, grid) * 255
    if alpha and format.pixel.alpha:
        share = _means(planes[-1], grid.columns, grid.rows, 0) / ((1 << format.pixel.depth) - 1)
        seen = seen * share + _BEHIND * (1 - share)
    return seen.astype(np.float32)


def _colours(planes: Sequence[Plane], format: FrameFormat, grid: Grid) -> NDArray[np.float64]:
    """The mean R'G'B' of each cell, 0..1."""
    numbers, pixel = conversion(format.colour, format.pixel), format.pixel
    if pixel.rgb:
        green, blue, red = (_means(plane, grid.columns, grid.rows, 0) * numbers.luma_gain for plane in planes)
        return np.stack([red, green, blue])
    luma, *chroma = planes
    y = _means(luma, grid.columns, grid.rows, pixel.shift) * numbers.luma_gain + numbers.luma_bias
    if not chroma:
        return np.stack([y, y, y])
    columns = tuple(edge / (1 << pixel.sub_x) for edge in grid.columns)
    rows = tuple(edge / (1 << pixel.sub_y) for edge in grid.rows)
    pair = (chroma[0][:, 0::2], chroma[0][:, 1::2]) if pixel.interleaved else chroma
    u, v = (_means(p, columns, rows, pixel.shift) * numbers.chroma_gain + numbers.chroma_bias for p in pair)
    red, green = y + numbers.red_v * v, y + numbers.green_u * u + numbers.green_v * v
    return np.stack([red, green, y + numbers.blue_u * u])


def signature_of_picture(picture: av.VideoFrame, colour: Colour, grid: Grid, alpha: bool = False) -> Signature:
    """The same of a frame as PyAV gives it, whose samples mean `colour`."""
    pixel = nearest_format(picture.format.name)
    format = FrameFormat(picture.width, picture.height, pixel, colour)
    if samples := unpack(picture, pixel):
        return signature_of(samples, format, grid, alpha)
    if plain_name(picture.format.name) not in PIXEL_FORMATS:
        picture = picture.reformat(format=pixel.name, threads=1)  # several may write into each other's rows
    return signature_of(_planes(picture, pixel.dtype), format, grid, alpha)


def laid(signature: Signature, orientation: Orientation) -> Signature:
    """What the signature of a picture becomes where that is laid so."""
    return np.moveaxis(orientation.apply(np.moveaxis(signature, 0, -1)), -1, 0)


def _planes(picture: av.VideoFrame, dtype: Any) -> list[Plane]:
    buffers: list[Any] = list(picture.planes)  # whose stubs do not say that they are buffers
    samples = [np.frombuffer(plane, dtype).reshape(plane.height, -1) for plane in buffers]
    return [rows[:, : plane.width] for rows, plane in zip(samples, buffers, strict=True)]


def _edges(length: int, most: int) -> tuple[float, ...]:
    """Edges of equal cells, on whole chroma samples but for the end of an odd length."""
    cells = max(1, min(most, length // _LEAST_CELL))
    inner = (_LEAST_CELL * round(length * k / cells / _LEAST_CELL) for k in range(cells))
    return (*map(float, inner), float(length))


def _counted_back(edges: tuple[float, ...], reverse: bool) -> tuple[float, ...]:
    """`edges`, if need be from the other end."""
    return tuple(edges[-1] - edge for edge in reversed(edges)) if reverse else edges


def _scaled(edges: tuple[float, ...], length: int) -> tuple[float, ...]:
    scale = scale_of(round(edges[-1]), length)
    return tuple(edge * scale for edge in edges)


def _means(plane: Plane, columns: Sequence[float], rows: Sequence[float], shift: int) -> NDArray[np.float64]:
    """The mean code of each cell of a plane, whose edges are rounded to samples; what is smaller is one sample."""
    left, top = _whole(columns, plane.shape[1]), _whole(rows, plane.shape[0])
    # Ten times as fast as np.add.reduceat on both axes; no strip is so high that 32 bits could overflow.
    strips = np.stack([plane[a : max(b, a + 1)].sum(axis=0, dtype=np.uint32) for a, b in pairwise(top)])
    sums = np.add.reduceat(strips[:, : left[-1]], left[:-1], axis=1, dtype=np.uint64)
    return np.asarray(sums / np.outer(_lengths(top), _lengths(left)) / (1 << shift))


def _whole(edges: Sequence[float], length: int) -> NDArray[np.intp]:
    """Edges as indices of samples; each cell begins within the plane."""
    whole = np.clip(np.ceil(np.asarray(edges) - 0.5), 0, length).astype(np.intp)
    whole[-1] = max(whole[-1], 1)
    whole[:-1] = np.minimum(whole[:-1], whole[-1] - 1)
    return whole


def _lengths(edges: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many samples the cells between `edges` have, if only the one at which they begin."""
    return np.maximum(np.diff(edges), 1)
