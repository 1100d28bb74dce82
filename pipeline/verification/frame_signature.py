"""Signatures of frames: the mean colours of the cells of a grid, equal for a frame and its enlargement."""

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

Signature = NDArray[np.float32]  # (3, rows, columns): R'G'B' of 0..255, converted by the colour tags, not clamped

_COLUMNS, _ROWS = 48, 27
_MIN_CELL = 2  # pixels: a cell has a complete chroma sample
_PADDING = 2  # pixels that a codec may add at the right and bottom
_BACKGROUND = 127.5  # of 255: the gray behind transparent pixels


@dataclass(frozen=True)
class Grid:
    """The cells that a frame is divided into.

    Attributes:
        columns: Edges between cells in luma pixels, from 0 to the width.
        rows: The same from 0 to the height.
    """

    columns: tuple[float, ...]
    rows: tuple[float, ...]

    @classmethod
    def of_size(cls, width: int, height: int) -> Grid:
        """Return the grid of a frame of `width` x `height`."""
        return cls(_edges(width, _COLUMNS), _edges(height, _ROWS))

    def enlarged(self, width: int, height: int) -> Grid:
        """Return the same cells in an enlargement to `width` x `height`, which may be padded at right and bottom."""
        return Grid(_scaled(self.columns, width), _scaled(self.rows, height))

    def rotated(self, orientation: Orientation) -> Grid:
        """Return the same cells after the frame is rotated or mirrored."""
        columns, rows = (self.rows, self.columns) if orientation.transposed else (self.columns, self.rows)
        return Grid(_reversed(columns, orientation.across), _reversed(rows, orientation.down))


def scale_factor(length: int, enlarged: int) -> float:
    """Return the factor by which a side of `length` became `enlarged`, ignoring padding."""
    integral = enlarged // length
    return float(integral) if integral and enlarged - integral * length < _PADDING else enlarged / length


def compute_signature(planes: Sequence[Plane], format: FrameFormat, grid: Grid, alpha: bool = False) -> Signature:
    """Return the mean colours of the cells of a frame.

    The conversion to RGB is linear, so that it is applied to the means.

    Args:
        planes: Samples, (rows, columns) each.
        format: The format of the frame.
        grid: The cells.
        alpha: Blend transparent cells with gray; otherwise alpha is ignored.
    """
    colours = planes[:-1] if format.pixel.alpha else planes
    means = _mean_colours(colours, format, grid) * 255
    if alpha and format.pixel.alpha:
        opacity = _means(planes[-1], grid.columns, grid.rows, 0) / ((1 << format.pixel.depth) - 1)
        means = means * opacity + _BACKGROUND * (1 - opacity)
    return means.astype(np.float32)


def _mean_colours(planes: Sequence[Plane], format: FrameFormat, grid: Grid) -> NDArray[np.float64]:
    """Return the mean R'G'B' of each cell, 0..1."""
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


def compute_av_signature(frame: av.VideoFrame, colour: Colour, grid: Grid, alpha: bool = False) -> Signature:
    """Return the signature of a frame of PyAV, whose samples are interpreted as `colour`; see `compute_signature`."""
    pixel = nearest_format(frame.format.name)
    format = FrameFormat(frame.width, frame.height, pixel, colour)
    if samples := unpack(frame, pixel):
        return compute_signature(samples, format, grid, alpha)
    if plain_name(frame.format.name) not in PIXEL_FORMATS:
        frame = frame.reformat(format=pixel.name, threads=1)  # several may write into each other's rows
    return compute_signature(_planes(frame, pixel.dtype), format, grid, alpha)


def rotate_signature(signature: Signature, orientation: Orientation) -> Signature:
    """Return the signature of a frame after it is rotated or mirrored."""
    return np.moveaxis(orientation.apply(np.moveaxis(signature, 0, -1)), -1, 0)


def _planes(frame: av.VideoFrame, dtype: Any) -> list[Plane]:
    buffers: list[Any] = list(frame.planes)  # whose stubs do not declare the buffer protocol
    samples = [np.frombuffer(plane, dtype).reshape(plane.height, -1) for plane in buffers]
    return [rows[:, : plane.width] for rows, plane in zip(samples, buffers, strict=True)]


def _edges(length: int, most: int) -> tuple[float, ...]:
    """Return the edges of at most `most` equal cells, on complete chroma samples but for the end of an odd length."""
    cells = max(1, min(most, length // _MIN_CELL))
    inner = (_MIN_CELL * round(length * k / cells / _MIN_CELL) for k in range(cells))
    return (*map(float, inner), float(length))


def _reversed(edges: tuple[float, ...], reverse: bool) -> tuple[float, ...]:
    """Return `edges` counted from the other end if `reverse`."""
    return tuple(edges[-1] - edge for edge in reversed(edges)) if reverse else edges


def _scaled(edges: tuple[float, ...], length: int) -> tuple[float, ...]:
    scale = scale_factor(round(edges[-1]), length)
    return tuple(edge * scale for edge in edges)


def _means(plane: Plane, columns: Sequence[float], rows: Sequence[float], shift: int) -> NDArray[np.float64]:
    """Return the mean code of each cell of a plane; edges are rounded to samples, cells have one sample at least."""
    left, top = _sample_edges(columns, plane.shape[1]), _sample_edges(rows, plane.shape[0])
    # Ten times as fast as np.add.reduceat on both axes; no strip is so high that 32 bits could overflow.
    strips = np.stack([plane[a : max(b, a + 1)].sum(axis=0, dtype=np.uint32) for a, b in pairwise(top)])
    sums = np.add.reduceat(strips[:, : left[-1]], left[:-1], axis=1, dtype=np.uint64)
    return np.asarray(sums / np.outer(_lengths(top), _lengths(left)) / (1 << shift))


def _sample_edges(edges: Sequence[float], length: int) -> NDArray[np.intp]:
    """Return edges as sample indices; each cell begins within the plane."""
    indices = np.clip(np.ceil(np.asarray(edges) - 0.5), 0, length).astype(np.intp)
    indices[-1] = max(indices[-1], 1)
    indices[:-1] = np.minimum(indices[:-1], indices[-1] - 1)
    return indices


def _lengths(edges: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the number of samples in each cell between `edges`, one at least."""
    return np.maximum(np.diff(edges), 1)
