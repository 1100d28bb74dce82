"""Tensors of a network while it is converted, with what is known of their shapes.

ncnn has tensors of one dimension, which are vectors of channels here, and of three, (C, H, W). Both are (1, C, H, W) in
ONNX, with H = W = 1 for a vector: each operation on vectors is then one on images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from pipeline.errors import ModelError


@dataclass(frozen=True)
class Extent:
    """The length of an axis: factor * length of the image's axis + offset.

    That holds for images whose length is a multiple of all strides; others may lack pixels at the end of the axis.

    Attributes:
        factor: 0 for a length that does not depend on the image.
        offset: In elements.
    """

    factor: Fraction
    offset: int

    def windows(self, size: int, stride: int, padding: int, *, is_partial_allowed: bool = False) -> Extent:
        """The number of windows of `size`, `stride` apart, after adding `padding` to the length."""
        rest = self.offset + padding - size
        return Extent(self.factor / stride, (-(-rest // stride) if is_partial_allowed else rest // stride) + 1)

    def scaled(self, factor: Fraction) -> Extent:
        """This length times `factor`."""
        return Extent(self.factor * factor, int(self.offset * factor))

    def plus(self, count: int) -> Extent:
        """This length plus `count`."""
        return Extent(self.factor, self.offset + count)


@dataclass(frozen=True)
class Blob:
    """A tensor.

    Attributes:
        tensor: Its name in the ONNX graph.
        channels: Number of channels; None for the image if the file does not state it.
        rows: Its height.
        columns: Its width.
        is_vector: True for a tensor of one dimension in ncnn.
    """

    tensor: str
    channels: int | None
    rows: Extent
    columns: Extent
    is_vector: bool = False

    def named(self, tensor: str) -> Blob:
        """A tensor of the same shape."""
        return replace(self, tensor=tensor)

    def known_channels(self) -> int:
        """The number of channels. Raises ModelError if it is not known."""
        if self.channels is None:
            raise ModelError("the number of the image's channels is not known here; give it in the Input layer, as 2=3")
        return self.channels


NONE = Fraction(0)
"""The factor of an axis whose length does not depend on the image."""
ONE = Extent(Fraction(0), 1)
WHOLE = Extent(Fraction(1), 0)


def vector(tensor: str, channels: int | None) -> Blob:
    """A vector of channels."""
    return Blob(tensor, channels, ONE, ONE, is_vector=True)


def broadcast(one: Blob, other: Blob, tensor: str) -> Blob:
    """The shape of an operation on two tensors; axes of length 1 are repeated. Raises ModelError if they differ."""
    for name in ("channels", "rows", "columns"):
        lengths = getattr(one, name), getattr(other, name)
        if lengths[0] != lengths[1] and not {1, ONE, None} & set(lengths):
            raise ModelError(f"its operands differ in {name}")
    rows, columns = (other if one_is_short else one for one_is_short in (one.rows == ONE, one.columns == ONE))
    if one.channels is None or other.channels is None:
        channels = one.channels if other.channels in (1, None) else other.channels
    else:
        channels = max(one.channels, other.channels)
    return Blob(tensor, channels, rows.rows, columns.columns, one.is_vector and other.is_vector)
