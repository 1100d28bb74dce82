"""The checks of a rewritten network: what is wrong is refused, with the reason."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.colour.resample import bicubic
from pipeline.errors import ModelError
from pipeline.models.importing.checks import Upscale, check_output, measured_shift
from pipeline.models.importing.conventions import Pixels
from pipeline.models.importing.images import photograph
from pipeline.models.importing.trial import TrialError

SCALE, SIZE = 2, (32, 48)


def right(image: Pixels) -> Pixels:
    _, height, width = image.shape
    return np.stack([bicubic(plane, SCALE * height, SCALE * width) for plane in image])


def shifted(by: float) -> Upscale:
    """Enlarges, displaced to the right by this many input pixels."""

    def run(image: Pixels) -> Pixels:
        enlarged = right(image)
        width = enlarged.shape[2]
        at = np.arange(width) - by * SCALE
        return np.stack([[np.interp(at, np.arange(width), row) for row in plane] for plane in enlarged])

    return run


@pytest.mark.parametrize("channels", [1, 3])
def test_a_right_output_passes(channels: int) -> None:
    checked = check_output(right, channels, SCALE, *SIZE)
    assert max(map(abs, checked.shift)) < 0.02
    assert checked.error < 0.1


def test_an_output_with_sharpened_details_passes() -> None:
    rng = np.random.default_rng(0)
    check_output(lambda image: right(image) + rng.normal(0, 0.08, (3, 64, 96)), 3, SCALE, *SIZE)


@pytest.mark.parametrize("size", [(8, 8), (16, 40), (33, 65)])
def test_networks_for_other_sizes_are_checked_too(size: tuple[int, int]) -> None:
    check_output(right, 3, SCALE, *size)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda output: output * np.nan, "not finite .* on a flat colour"),
        (lambda output: output / (output.std() > 1e-3), "not finite .* on a flat colour"),
        (lambda output: output * 0, "a single colour on a photograph"),
        (lambda output: output * 0 + 0.5, "a single colour"),
        (
            lambda output: output[::-1],
            r"its colours are wrong: \(0\.80, 0\.25, 0\.20\) becomes \(0\.20, 0\.25, 0\.80\)",
        ),
        (
            lambda output: output * 0.5,
            r"its colours are wrong: \(1\.00, 1\.00, 1\.00\) becomes \(0\.50, 0\.50, 0\.50\)",
        ),
        (lambda output: output * 255, "its colours are wrong"),
        (lambda output: 1 - output, r"its colours are wrong: \(0\.00, 0\.00, 0\.00\) becomes \(1\.00"),
        (lambda output: output[:, :, ::-1], "its colours are wrong|does not show its input"),
        (lambda output: output[:, ::-1], "its colours are wrong|does not show its input"),
    ],
)
def test_a_wrong_output_is_refused(spoil: Callable[[Pixels], Pixels], reason: str) -> None:
    with np.errstate(all="ignore"), pytest.raises(ModelError, match=reason):
        check_output(lambda image: spoil(right(image)), 3, SCALE, *SIZE)


def test_an_output_that_shows_colours_but_no_ramp_is_refused() -> None:
    def run(image: Pixels) -> Pixels:
        return right(image).round()

    with pytest.raises(ModelError, match=r"its colours are wrong|a ramp differs by"):
        check_output(run, 3, SCALE, *SIZE)


@pytest.mark.parametrize("by", [0.0, 0.1, 0.2, -0.2])
def test_a_displacement_of_less_than_a_quarter_pixel_is_measured(by: float) -> None:
    checked = check_output(shifted(by), 3, SCALE, *SIZE)
    assert checked.shift[0] == pytest.approx(by, abs=0.03)
    assert checked.shift[1] == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("by", [0.35, -0.5, 1.0])
def test_a_displacement_of_more_than_a_quarter_pixel_is_refused(by: float) -> None:
    with pytest.raises(ModelError, match=r"is displaced by|does not show"):
        check_output(shifted(by), 3, SCALE, *SIZE)


def test_a_displacement_that_only_a_small_image_shows_is_accepted() -> None:
    def run(image: Pixels) -> Pixels:
        return shifted(0.4)(image) if image.shape[2] < 2 * SIZE[1] else right(image)

    assert max(map(abs, check_output(run, 3, SCALE, *SIZE).shift)) < 0.02


def test_a_network_for_one_size_is_checked_at_this_size_alone() -> None:
    def run(image: Pixels) -> Pixels:
        if image.shape[1:] != SIZE:
            raise TrialError("another size")
        return shifted(0.4)(image)

    with pytest.raises(ModelError, match="is displaced by"):
        check_output(run, 3, SCALE, *SIZE)


@pytest.mark.parametrize(("across", "down"), [(0, 0), (1, -1), (0.5, 0.25), (-1.5, 2)])
def test_the_displacement_of_two_images_is_measured_to_a_tenth_of_a_pixel(across: float, down: float) -> None:
    large = photograph(4 * 72, 4 * 88, 1)[0].astype(np.float64)
    moved = np.roll(large, (round(4 * down), round(4 * across)), (0, 1))
    reference, output = (bicubic(each, 72, 88) for each in (large, moved))
    assert measured_shift(output, reference) == pytest.approx((across, down), abs=0.1)


def test_a_network_that_fails_on_a_test_image_is_refused() -> None:
    def run(image: Pixels) -> Pixels:
        if image.std() > 0:
            raise TrialError("no kernel")
        return right(image)

    with pytest.raises(ModelError, match="does not run on a ramp: no kernel"):
        check_output(run, 3, SCALE, *SIZE)
