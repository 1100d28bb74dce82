"""Cascades of networks, described as one."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ModelError
from pipeline.models.cascade import cascade, repeated
from pipeline.models.spec import ModelSpec

MODEL = ModelSpec(
    "twice",
    Path("twice.onnx"),
    "abc",
    2,
    np.dtype(np.float16),
    "input",
    "output",
    licence="MIT",
    receptive_field_radius=7,
    parameters=100,
    precision="fp16",
    max_channels=8,
)
DENOISER = replace(MODEL, name="denoise", scale=1, sha256="def", receptive_field_radius=10, max_channels=64)


def test_a_single_network_is_no_cascade() -> None:
    assert cascade([MODEL]) is MODEL


def test_a_cascade_states_the_facts_of_all_its_networks() -> None:
    both = cascade([DENOISER, MODEL])
    assert both.steps == (DENOISER, MODEL)
    assert (both.name, both.scale, both.parameters, both.licence) == ("denoise, twice", 2, 200, "MIT")
    assert (both.receptive_field_radius, both.max_channels, both.precision) == (17, 64, "fp16")
    assert str(both) == "denoise, twice (x2, fp16, RGB 0..1)"


def test_a_repeated_network_is_named_with_its_count() -> None:
    assert str(cascade([MODEL, MODEL])) == "twice twice (x4, fp16, RGB 0..1)"
    assert cascade([DENOISER, MODEL, MODEL, MODEL]).name == "denoise, twice 3 times"


def test_a_later_receptive_field_is_counted_in_pixels_of_the_input() -> None:
    assert cascade([MODEL, MODEL, MODEL]).receptive_field_radius == 7 + 4 + 2
    assert cascade([MODEL, replace(MODEL, receptive_field_radius=None)]).receptive_field_radius is None


def test_multiples_and_strides_are_counted_in_pixels_of_the_input() -> None:
    padded = replace(MODEL, size_multiple=12, stride=8)
    both = cascade([MODEL, padded])
    assert (both.size_multiple, both.stride) == (6, 4)
    assert cascade([replace(MODEL, size_multiple=4), padded]).size_multiple == 12


def test_a_cascade_accepts_the_single_size_of_its_networks() -> None:
    small, large = replace(MODEL, size=(32, 64)), replace(MODEL, size=(64, 128))
    assert cascade([small, large]).size == cascade([MODEL, large]).size == (32, 64)
    with pytest.raises(ModelError, match=r"twice accepts only images of 64x32, which the networks before it do not"):
        cascade([small, small])


def test_cascades_are_joined() -> None:
    assert cascade([DENOISER, cascade([MODEL, MODEL])]) == cascade([cascade([DENOISER, MODEL]), MODEL])


def test_the_digest_depends_on_the_order() -> None:
    assert cascade([DENOISER, MODEL]).sha256 != cascade([MODEL, DENOISER]).sha256


def test_networks_of_luma_and_of_rgb_form_no_cascade() -> None:
    luma = replace(MODEL, name="luma", order="y")
    with pytest.raises(ModelError, match=r"^`model`: luma upscales luma alone and denoise upscales RGB"):
        cascade([DENOISER, luma])
    assert cascade([luma, luma]).channels == 1


def test_a_long_cascade_is_refused() -> None:
    with pytest.raises(ModelError, match=r"a cascade of 9 networks; 8 are allowed"):
        cascade([MODEL] * 9)


def test_the_memory_of_a_cascade_is_that_of_its_largest_step() -> None:
    both = cascade([DENOISER, MODEL, MODEL])
    assert both.working_bytes(100, 50) == max(DENOISER.working_bytes(100, 50), MODEL.working_bytes(200, 100))


def test_only_the_last_network_is_repeated() -> None:
    assert [step.name for step in repeated(cascade([DENOISER, MODEL]), Fraction(16)).steps] == [
        "denoise",
        "twice",
        "twice",
    ]


@given(factor=st.fractions(Fraction(1, 16), 16))
def test_a_quarter_at_most_is_left_to_the_resampler(factor: Fraction) -> None:
    made = repeated(MODEL, factor**2)
    assert factor <= made.scale * Fraction(5, 4)
    assert made.scale == 2 or factor > made.scale // 2 * Fraction(5, 4)
