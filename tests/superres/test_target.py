"""The size of the output, and the passes of the network that lead to it."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.config.settings import Settings, Upscaling
from pipeline.errors import SettingsError
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.target import SQUARE, Shape, Target, plan_passes, plan_target, target_label

MODEL = ModelSpec("twice", Path(), "", 2, np.dtype(np.float16), "input", "output")
FULL_HD = Shape(1920, 1080, Fraction(1), (2, 2))
PAL_WIDE = Shape(720, 576, Fraction(64, 45), (2, 2))
CINEMA = Shape(1920, 804, Fraction(1), (2, 2))


def settings(**target: object) -> Upscaling:
    return Settings.load(None, **target)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (FULL_HD, {}, (3840, 2160, 1)),
        (Shape(33, 17, Fraction(1), (2, 2)), {}, (66, 34, 1)),
        (FULL_HD, {"scale": 1.5}, (2880, 1620, 1)),
        (FULL_HD, {"scale": "4"}, (7680, 4320, 1)),
        (FULL_HD, {"scale": "4/3"}, (2560, 1440, 1)),
        (Shape(854, 480, Fraction(1), (2, 2)), {"scale": 1.5}, (1282, 720, 1)),
        (Shape(854, 480, Fraction(1)), {"scale": 1.5}, (1281, 720, 1)),
        (PAL_WIDE, {"scale": 2}, (1440, 1152, Fraction(64, 45))),
        (FULL_HD, {"height": 2160}, (3840, 2160, 1)),
        (FULL_HD, {"height": 480}, (854, 480, 1)),
        (PAL_WIDE, {"height": 2160}, (3840, 2160, 1)),
        (CINEMA, {"height": 2160}, (5158, 2160, 1)),
        (CINEMA, {"fit": "3840x2160"}, (3840, 1608, 1)),
        (PAL_WIDE, {"fit": "3840x2160"}, (3840, 2160, 1)),
        (Shape(1440, 1080, Fraction(1), (2, 2)), {"fit": "3840x2160"}, (2880, 2160, 1)),
        (FULL_HD, {"fit": "401x225"}, (398, 224, 1)),
        (FULL_HD, {"size": "3840x2160"}, (3840, 2160, 1)),
        (PAL_WIDE, {"size": "3840x2160"}, (3840, 2160, 1)),
        (FULL_HD, {"size": "1366x768"}, (1366, 768, 1)),
        (Shape(1920, 800, Fraction(1), (2, 2)), {"size": "3840x2160"}, (3840, 2160, Fraction(27, 20))),
        (PAL_WIDE, {"size": "1440x1152"}, (1440, 1152, Fraction(64, 45))),
    ],
    ids=str,
)
def test_the_output_has_the_size_that_was_set(
    source: Shape, target: dict[str, object], expected: tuple[int, int, Fraction]
) -> None:
    assert plan_target(settings(**target), source, 2) == Target(*expected[:2], Fraction(expected[2]))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"height": 3840}, (3840, 2160)),
        ({"size": "2160x3840"}, (3840, 2160)),
        ({"fit": "1080x3000"}, (1920, 1080)),
        ({"scale": 2}, (3840, 2160)),
    ],
    ids=str,
)
def test_sizes_of_a_rotated_video_are_those_that_players_show(
    target: dict[str, object], expected: tuple[int, int]
) -> None:
    made = plan_target(settings(**target), FULL_HD, 2, transposed=True)
    assert made == Target(*expected, Fraction(1))


def test_the_pixels_of_a_rotated_anamorphic_video_are_transposed_too() -> None:
    made = plan_target(settings(size="1152x2880"), PAL_WIDE, 2, transposed=True)
    shown = made.transposed
    assert (shown.width, shown.height) == (1152, 2880)
    assert shown.sample_aspect * shown.width / shown.height == PAL_WIDE.transposed.display_aspect


@given(
    width=st.integers(16, 4096),
    height=st.integers(16, 4096),
    aspect=st.fractions(Fraction(1, 2), 2, max_denominator=100),
    box=st.tuples(st.integers(64, 8192), st.integers(64, 8192)),
)
@example(width=1891, height=795, aspect=Fraction(69, 40), box=(1704, 416))  # it touches both sides
def test_a_fitted_output_touches_its_box_and_keeps_the_shape(
    width: int, height: int, aspect: Fraction, box: tuple[int, int]
) -> None:
    source = Shape(width, height, aspect, (2, 2))
    made = plan_target(settings(fit=box), source, 2)
    widest, highest = (side // 2 * 2 for side in box)
    assert made.width <= widest
    assert made.height <= highest
    assert made.width == widest or made.height == highest
    errors = []  # of the side that follows from the one that touches; if both do, either may be the one
    if made.height == highest:
        errors.append(abs(made.width - made.height * source.display_aspect))
    if made.width == widest:
        errors.append(abs(made.height - made.width / source.display_aspect))
    assert min(errors) <= 2


@given(
    width=st.integers(16, 4096),
    height=st.integers(16, 4096),
    aspect=st.fractions(Fraction(1, 2), 2, max_denominator=100),
    size=st.tuples(st.integers(64, 8192), st.integers(64, 8192)),
)
@example(width=16, height=1253, aspect=Fraction(1, 2), size=(4097, 64))  # a sample aspect ratio of 1:10027
def test_an_exact_size_is_shown_in_the_shape_of_the_source(
    width: int, height: int, aspect: Fraction, size: tuple[int, int]
) -> None:
    source = Shape(width, height, aspect, (2, 2))
    made = plan_target(settings(size=size), source, 2)
    assert (made.width, made.height) == size
    shown = made.sample_aspect * made.width / made.height
    assert abs(shown / source.display_aspect - 1) <= Fraction(2, made.width) + Fraction(1, 500)
    assert max(made.sample_aspect.numerator, made.sample_aspect.denominator) <= 65_535


@pytest.mark.parametrize(("width", "height"), [(8192, 16), (16, 8192)])
def test_a_shape_that_no_sample_aspect_ratio_of_16_bits_can_keep_gets_the_nearest(width: int, height: int) -> None:
    made = plan_target(settings(size=(height, width)), Shape(width, height, SQUARE), 2)
    assert made.sample_aspect == (Fraction(65_535) if width > height else Fraction(1, 65_535))


def test_a_size_above_the_limit_is_refused_with_the_limit() -> None:
    with pytest.raises(SettingsError, match=r"^the output would be 65536x32768; 32768 pixels are allowed on a side"):
        plan_target(settings(scale=8), Shape(8192, 4096, Fraction(1)), 2)


@pytest.mark.parametrize(
    ("target", "label"),
    [
        ({}, "x2"),
        ({"scale": 1.5}, "x1.5"),
        ({"scale": 4}, "x4"),
        ({"height": 2160}, "2160p"),
        ({"size": "3840x2160"}, "3840x2160"),
        ({"fit": "3840x2160"}, "3840x2160"),
    ],
    ids=str,
)
def test_the_label_names_the_requested_size(target: dict[str, object], label: str) -> None:
    assert target_label(settings(**target), 2) == label


@pytest.mark.parametrize(
    ("size", "passes"),
    [
        ((1440, 1152), 1),
        ((720, 576), 1),
        ((360, 288), 1),
        ((1800, 1440), 1),
        ((1920, 1440), 2),
        ((2160, 1728), 2),
        ((2880, 2304), 2),
        ((3840, 2160), 2),
        ((5760, 4608), 3),
    ],
    ids=str,
)
def test_the_network_is_repeated_until_a_quarter_at_most_is_missing(
    small_format: FrameFormat, size: tuple[int, int], passes: int
) -> None:
    model = plan_passes(MODEL, small_format.resized(720, 576), Target(*size, Fraction(1)))
    assert model.scale == 2**passes
    assert len(model.steps or (model,)) == passes


def test_a_network_that_enlarges_nothing_is_not_repeated(small_format: FrameFormat) -> None:
    same = replace(MODEL, scale=1)
    assert plan_passes(same, small_format, Target(640, 480, Fraction(1))) == same
