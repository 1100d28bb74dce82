"""The stage that pads frames at their right and bottom edges, for encoders that do not accept every size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from pipeline.flow.stage import Stage
from pipeline.frame import Frame, FrameFormat, Plane

Other = TypeVar("Other")


class Pad(Stage[Frame | Other, Frame | Other], Generic[Other]):
    """Pads frames to the size of `format` by repeating their last column and row.

    Frames of that size, and items that are not frames, are passed along.
    """

    def __init__(self, format: FrameFormat) -> None:
        self._format = format

    def feed(self, item: Frame | Other) -> Iterator[Frame | Other]:
        yield self._padded(item) if isinstance(item, Frame) and item.format != self._format else item

    def _padded(self, frame: Frame) -> Frame:
        step = 2 if frame.format.pixel.interleaved else 1
        shapes = self._format.plane_shapes
        planes = tuple(
            _pad_plane(plane, *shape, step if index else 1)
            for index, (plane, shape) in enumerate(zip(frame.planes, shapes, strict=True))
        )
        frame.release()
        return replace(frame, format=self._format, planes=planes, release=lambda: None)


def _pad_plane(plane: Plane, rows: int, columns: int, step: int) -> Plane:
    """A copy of `plane` with `rows` and `columns`; `step`: samples that belong together, 2 for interleaved chroma."""
    samples = plane.reshape(plane.shape[0], -1, step)
    missing = ((0, rows - samples.shape[0]), (0, columns // step - samples.shape[1]), (0, 0))
    return np.pad(samples, missing, mode="edge").reshape(rows, columns)
