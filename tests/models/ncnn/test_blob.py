"""Shapes of tensors during conversion."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ModelError
from pipeline.models.ncnn.blob import ONE, WHOLE, Blob, Extent, broadcast, vector


@given(size=st.integers(1, 7), stride=st.sampled_from([1, 2, 4]), padding=st.integers(0, 4), blocks=st.integers(4, 40))
def test_extent_is_the_length_for_images_of_a_multiple_of_the_stride(
    size: int, stride: int, padding: int, blocks: int
) -> None:
    length = blocks * stride
    windows = WHOLE.windows(size, stride, padding)
    assert windows.factor * length + windows.offset == (length + padding - size) // stride + 1
    partial = WHOLE.windows(size, stride, padding, is_partial_allowed=True)
    assert partial.factor * length + partial.offset == -(-(length + padding - size) // stride) + 1


def test_scaled_extent_scales_its_offset_too() -> None:
    assert Extent(Fraction(1), -3).scaled(Fraction(2)).plus(1) == Extent(Fraction(2), -5)


def test_vector_is_broadcast_over_an_image() -> None:
    image = Blob("x", 8, WHOLE, WHOLE)
    for shape in (broadcast(image, vector("v", 8), "y"), broadcast(vector("v", 8), image, "y")):
        assert shape == Blob("y", 8, WHOLE, WHOLE)
    assert broadcast(vector("v", 8), vector("w", 8), "y").is_vector


def test_constant_states_the_channels_of_an_unknown_image() -> None:
    image, constant = Blob("x", None, WHOLE, WHOLE), Blob("c", 3, ONE, ONE)
    assert broadcast(image, constant, "y").channels == 3
    assert broadcast(constant, image, "y").channels == 3


@pytest.mark.parametrize(
    ("other", "axis"),
    [(Blob("z", 4, WHOLE, WHOLE), "channels"), (Blob("z", 8, WHOLE.plus(1), WHOLE), "rows")],
)
def test_operands_of_different_shapes_are_refused(other: Blob, axis: str) -> None:
    with pytest.raises(ModelError, match=f"its operands differ in {axis}"):
        broadcast(Blob("x", 8, WHOLE, WHOLE), other, "y")


def test_unknown_channels_are_refused_where_they_count() -> None:
    with pytest.raises(ModelError, match="give it in the Input layer"):
        Blob("x", None, WHOLE, WHOLE).known_channels()
