"""Reading of .bin files."""

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.models.ncnn.weights_file import WeightsReader
from tests.models.ncnn.networks import plain, random, tagged, tagged16


def test_weights_of_float16_are_padded_to_four_bytes() -> None:
    values, bias = random(5).astype(np.float16), random(3)
    reader = WeightsReader(tagged16(values) + plain(bias))
    assert (reader.tagged(5) == values.astype(np.float32)).all()
    assert (reader.plain(3) == bias).all()
    reader.finish()


def test_weights_of_float32_are_read_exactly() -> None:
    values = random(7)
    reader = WeightsReader(tagged(values))
    read = reader.tagged(7)
    assert read.dtype == np.float32
    assert (read == values).all()


def test_second_tag_of_float32_is_read_like_the_first() -> None:
    values = random(2)
    assert (WeightsReader((0x0002C056).to_bytes(4, "little") + plain(values)).tagged(2) == values).all()


@pytest.mark.parametrize(
    ("tag", "message"),
    [(0x000D4B38, "its weights are in int8"), (0x12345678, "of type 0x12345678, quantised or damaged")],
)
def test_quantised_weights_are_refused_with_advice(tag: int, message: str) -> None:
    with pytest.raises(ModelError, match=message) as raised:
        WeightsReader(tag.to_bytes(4, "little") + bytes(4096)).tagged(4)
    assert "take its file before quantisation" in str(raised.value)


@pytest.mark.parametrize("length", [0, 3, 4, 11])
def test_file_that_is_too_short_is_refused(length: int) -> None:
    with pytest.raises(ModelError, match=f"the .bin has {length} bytes, fewer than the layers need"):
        WeightsReader(tagged(random(2))[:length]).tagged(2)


def test_enormous_count_is_refused_without_memory_for_it() -> None:
    with pytest.raises(ModelError, match="fewer than the layers need"):
        WeightsReader(bytes(64)).plain(2**60)


def test_negative_count_is_refused_as_damage() -> None:
    with pytest.raises(ModelError, match="fewer than the layers need"):
        WeightsReader(bytes(64)).plain(-1)


def test_weights_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ModelError, match="not finite"):
        WeightsReader(plain(np.array([1, np.nan]))).plain(2)


def test_bytes_after_the_last_weights_are_refused() -> None:
    reader = WeightsReader(bytes(12))
    reader.plain(1)
    with pytest.raises(ModelError, match="8 bytes follow the last layer's weights"):
        reader.finish()
