"""Value ranges and the records of conventions."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.errors import ModelError
from pipeline.models.importing.conventions import (
    KNOWN_RANGES,
    SIGNED,
    Conventions,
    Overrides,
    Pixels,
    ValueRange,
)


@given(known=st.sampled_from(KNOWN_RANGES), image=arrays(np.float32, (3, 2, 2), elements=st.floats(0, 1, width=32)))
def test_decoding_undoes_encoding(known: ValueRange, image: Pixels) -> None:
    np.testing.assert_allclose(known.decode(known.encode(image)), image, atol=1e-5)


@pytest.mark.parametrize("known", KNOWN_RANGES, ids=lambda known: known.name)
def test_black_and_white_are_encoded_as_stated(known: ValueRange) -> None:
    for value, expected in ((0, known.black), (1, known.white)):
        encoded = known.encode(np.full((3, 1, 1), value, np.float32))[:, 0, 0]
        np.testing.assert_allclose(encoded, np.broadcast_to(expected, 3), rtol=1e-6)


def test_imagenet_is_the_mean_and_deviation_of_torchvision() -> None:
    gray = np.full((3, 1, 1), 0.5, np.float32)
    encoded = ValueRange.parse("imagenet").encode(gray)[:, 0, 0]
    np.testing.assert_allclose(
        encoded, [(0.5 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.5 - 0.406) / 0.225], rtol=1e-5
    )


@pytest.mark.parametrize("known", KNOWN_RANGES, ids=lambda known: known.name)
def test_a_known_range_is_parsed_from_its_name(known: ValueRange) -> None:
    assert ValueRange.parse(known.name) == known


def test_any_bounds_are_a_range() -> None:
    assert ValueRange.parse("16..235.5") == ValueRange("16..235.5", (16.0,), (235.5,))


@pytest.mark.parametrize("text", ["", "bytes", "1..0", "0..0", "0-255", "0..255..", "nan..1"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ModelError, match=r"`model_range` .*: should be one of 0\.\.1, 0\.\.255, .* or BLACK\.\.WHITE"):
        ValueRange.parse(text)


def test_a_range_of_three_channels_does_not_suit_luma() -> None:
    assert [known.name for known in KNOWN_RANGES if not known.suits(1)] == ["imagenet", "div2k"]
    assert all(known.suits(3) for known in KNOWN_RANGES)


def test_the_users_overrides_win_over_those_of_the_file() -> None:
    assert Overrides("0..255", None, "nhwc").over(Overrides("0..1", "bgr", None)) == Overrides("0..255", "bgr", "nhwc")


@pytest.mark.parametrize("size", [None, (64, 96)])
def test_conventions_survive_a_json_file(size: tuple[int, int] | None) -> None:
    conventions = Conventions(
        scale=2,
        channels="bgr",
        output_reversed=True,
        input_range=SIGNED,
        output_range=ValueRange.parse("imagenet"),
        input_dtype="uint8",
        output_dtype="float32",
        layout="nhwc",
        size_multiple=8,
        size=size,
        declared_size=(64, 96),
        border=7,
        excess=1,
    )
    assert Conventions.from_json(json.loads(json.dumps(conventions.to_json()))) == conventions
