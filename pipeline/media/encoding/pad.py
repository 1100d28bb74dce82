"""Frames made larger at their right and lower edge, for encoders that don't take every size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.flow.stage import Stage
from pipeline.frame import Frame, FrameFormat, Plane


class Pad(Stage[Any, Any]):
    """Brings frames to the size of `format` by repeating their last column and row; frames of that size pass."""

    def __init__(self, format: FrameFormat) -> None:
        self._format = format

    def feed(self, item: Any) -> Iterator[Any]:
        is_small = isinstance(item, Frame) and item.format != self._format
        yield self._padded(item) if is_small else item

    def _padded(self, frame: Frame) -> Frame:
        step = 2 if frame.format.pixel.interleaved else 1
        shapes = self._format.plane_shapes
        planes = tuple(
            _extended(plane, *shape, step if index else 1)
            for index, (plane, shape) in enumerate(zip(frame.planes, shapes, strict=True))
        )
        frame.release()
        return replace(frame, format=self._format, planes=planes, release=lambda: None)


def _extended(plane: Plane, rows: int, columns: int, step: int) -> Plane:
    """`plane` in `rows` and `columns`; `step`: samples that belong together in a row."""
    samples = plane.reshape(plane.shape[0], -1, step)
    missing = ((0, rows - samples.shape[0]), (0, columns // step - samples.shape[1]), (0, 0))
    return np.pad(samples, missing, mode="edge").reshape(rows, columns)
