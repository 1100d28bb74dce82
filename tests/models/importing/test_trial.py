"""The trial: sizes, scale, value range and order of channels, found by running a function that behaves as a network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.colour.resample import bicubic
from pipeline.errors import ModelError
from pipeline.models.importing import images, trial
from pipeline.models.importing.conventions import BYTES, KNOWN_RANGES, SIGNED, UNIT, Overrides, Pixels, ValueRange
from pipeline.models.importing.trial import Geometry, Run, TrialError

GEOMETRY = Geometry(2, 0, 1, 33, 34)


def enlarging(scale: int, multiple: int = 1, border: int = 0) -> Run:
    """Repeats pixels, fails on sizes that are not multiples, and omits `border` output pixels on each side."""

    def run(image: Pixels) -> Pixels:
        if any(length % multiple or scale * length <= 2 * border for length in image.shape[1:]):
            raise TrialError("shape mismatch")
        output = image.repeat(scale, 1).repeat(scale, 2)
        return output[:, border:-border, border:-border] if border else output

    return run


def sensitive(known: ValueRange, output: ValueRange | None = None) -> Run:
    """Enlarges bicubically within its value range, and saturates outside of it."""

    def run(image: Pixels) -> Pixels:
        image = known.decode(image).clip(0, 1)
        _, height, width = image.shape
        enlarged = np.stack([bicubic(plane, 2 * height, 2 * width) for plane in image]) + 1e-3
        return (output or known).encode(enlarged.clip(0, 1))

    return run


class TestGeometry:
    @settings(max_examples=25)
    @given(
        scale=st.integers(1, 8),
        multiple=st.sampled_from([1, 2, 3, 4, 5, 8, 12, 16, 32, 48, 64]),
        border=st.integers(0, 30),
    )
    def test_scale_multiple_and_border_are_found(self, scale: int, multiple: int, border: int) -> None:
        found = trial.measure_geometry(enlarging(scale, multiple, border), 1)
        assert (found.scale, found.multiple, found.missing) == (scale, multiple, 2 * border)
        assert found.height % multiple == found.width % multiple == 0

    def test_a_border_of_31_pixels_is_found(self) -> None:
        assert trial.measure_geometry(enlarging(4, 2, 4 * 31), 3).missing == 2 * 4 * 31

    @pytest.mark.parametrize("factor", [1.5, 0.5, 9, 0.25])
    def test_other_factors_are_refused(self, factor: float) -> None:
        def run(image: Pixels) -> Pixels:
            channels, height, width = image.shape
            return np.zeros((channels, int(height * factor), int(width * factor)), np.float32)

        with pytest.raises(
            ModelError, match=r"enlarges \d+x\d+ to \d+x\d+; factors that are whole numbers from 1 to 8"
        ):
            trial.measure_geometry(run, 3)

    def test_a_network_that_enlarges_one_axis_is_refused(self) -> None:
        with pytest.raises(ModelError, match="factors that are whole numbers"):
            trial.measure_geometry(lambda image: image.repeat(2, 1), 3)

    def test_an_output_of_one_size_is_refused(self) -> None:
        with pytest.raises(ModelError, match="to 7x7; factors"):
            trial.measure_geometry(lambda image: image[:, :7, :7], 3)

    def test_a_network_that_never_runs_is_refused_with_the_reason(self) -> None:
        def run(image: Pixels) -> Pixels:
            raise TrialError("no kernel")

        with pytest.raises(ModelError, match="does not run on images of any size that was tried: no kernel"):
            trial.measure_geometry(run, 3)


class TestFixedGeometry:
    @pytest.mark.parametrize(("scale", "border"), [(1, 0), (2, 0), (4, 0), (2, 14), (3, 21)])
    def test_scale_and_border_are_found(self, scale: int, border: int) -> None:
        found = trial.fixed_geometry(enlarging(scale, border=border), 3, 64, 96)
        assert (found.scale, found.missing, found.is_fixed) == (scale, 2 * border, True)

    def test_other_factors_are_refused(self) -> None:
        with pytest.raises(ModelError, match="enlarges 96x64 to 96x128"):
            trial.fixed_geometry(lambda image: image.repeat(2, 1), 3, 64, 96)

    def test_a_network_that_does_not_run_is_refused(self) -> None:
        with pytest.raises(ModelError, match="does not run on 96x65, the size that it declares: shape mismatch"):
            trial.fixed_geometry(enlarging(2, multiple=2), 3, 65, 96)


class TestValues:
    @pytest.mark.parametrize("known", KNOWN_RANGES, ids=lambda known: known.name)
    def test_a_range_that_is_stated_is_used(self, known: ValueRange) -> None:
        found = trial.measure_values(sensitive(known), 3, GEOMETRY, Overrides(range=known.name))
        assert (found.input_range, found.output_range) == (known, known)

    @pytest.mark.parametrize("known", [UNIT, BYTES], ids=lambda known: known.name)
    def test_the_usual_ranges_are_found(self, known: ValueRange) -> None:
        found = trial.measure_values(sensitive(known), 3, GEOMETRY, Overrides())
        assert (found.input_range, found.output_range) == (known, known)
        assert found.error < 0.1

    def test_a_part_of_the_range_is_used_unless_the_last_operator_shows_all_of_it(self) -> None:
        """0..1 is a part of -1..1, so a network for -1..1 is as good on it."""
        run = sensitive(SIGNED)
        assert trial.measure_values(run, 3, GEOMETRY, Overrides()).input_range == UNIT
        assert trial.measure_values(run, 3, GEOMETRY, Overrides(), hint=SIGNED).input_range == SIGNED

    @pytest.mark.parametrize(("known", "output"), [(UNIT, BYTES), (BYTES, UNIT), (BYTES, SIGNED), (UNIT, SIGNED)])
    def test_another_range_of_the_output_is_found(self, known: ValueRange, output: ValueRange) -> None:
        found = trial.measure_values(sensitive(known, output), 3, GEOMETRY, Overrides())
        assert (found.input_range, found.output_range) == (known, output)

    def test_a_network_for_which_all_ranges_are_the_same_is_run_with_0_to_1(self) -> None:
        found = trial.measure_values(enlarging(2), 3, GEOMETRY, Overrides())
        assert found.input_range == found.output_range == UNIT

    def test_luma_has_no_range_of_three_channels(self) -> None:
        assert trial.measure_values(sensitive(BYTES), 1, GEOMETRY, Overrides()).input_range == BYTES

    def test_an_output_in_the_opposite_order_is_found(self) -> None:
        found = trial.measure_values(lambda image: enlarging(2)(image)[::-1], 3, GEOMETRY, Overrides())
        assert (found.reversed, found.output_reversed) == (False, True)

    def test_the_order_of_the_input_is_found_if_the_network_fails_on_the_other(self) -> None:
        def run(image: Pixels) -> Pixels:
            wrong = float(np.abs(image.mean((1, 2)) - blue_green_red).max()) > 1e-3
            return enlarging(2)(image) * (0.2 if wrong else 1)

        truth = images.photograph(2 * GEOMETRY.height, 2 * GEOMETRY.width, 3)
        blue_green_red = images.reduced(truth, 2)[::-1].mean((1, 2))
        assert trial.measure_values(run, 3, GEOMETRY, Overrides(range="0..1")).reversed

    def test_a_stated_order_is_used(self) -> None:
        found = trial.measure_values(enlarging(2), 3, GEOMETRY, Overrides(channels="bgr"))
        assert (found.reversed, found.output_reversed) == (True, False)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_an_output_that_is_not_finite_is_refused(self, value: float) -> None:
        with pytest.raises(ModelError, match="its output is not finite"):
            trial.measure_values(lambda image: enlarging(2)(image) * value, 3, GEOMETRY, Overrides())


def test_cropping_keeps_the_middle() -> None:
    image = np.arange(25).reshape(1, 5, 5)
    np.testing.assert_array_equal(trial.cropped(image, 2), image[:, 1:4, 1:4])
    np.testing.assert_array_equal(trial.cropped(image, 0), image)
