"""Checks of the output of an implementation of a network."""

import numpy as np
import pytest

from pipeline.errors import BackendError
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec
from pipeline.superres.output_check import check_upscaled, measure_agreement, require_finite, textured_image


@pytest.fixture
def model() -> ModelSpec:
    return catalogue.find("identity", np.float32)


def test_the_image_has_the_range_and_type_of_the_model_and_is_always_the_same(model: ModelSpec) -> None:
    image = textured_image(40, 64, model)
    assert image.shape == (1, 3, 40, 64)
    assert image.dtype == np.float32
    assert 0 <= image.min() < 0.2
    assert 0.8 < image.max() <= model.value_range
    np.testing.assert_array_equal(image, textured_image(40, 64, model))


def test_outputs_agree_by_their_psnr(model: ModelSpec) -> None:
    image = textured_image(40, 64, model)
    assert measure_agreement(image + np.float32(0.001), image, model, least=50) == pytest.approx(60, abs=0.1)
    with pytest.raises(BackendError, match=r"^60\.0 dB compared with ONNX Runtime, 70 are required$"):
        measure_agreement(image + np.float32(0.001), image, model, least=70)


def test_an_output_of_a_single_colour_is_refused_unless_that_is_right(model: ModelSpec) -> None:
    image = textured_image(40, 64, model)
    with pytest.raises(BackendError, match="a single colour"):
        measure_agreement(np.zeros_like(image), image, model, least=0)
    assert measure_agreement(np.zeros_like(image), np.zeros_like(image), model, least=60) == np.inf


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_output_that_is_not_finite_is_refused(model: ModelSpec, value: float) -> None:
    output = textured_image(8, 8, model)
    require_finite(output)
    output[0, 0, 0, 0] = value
    with pytest.raises(BackendError, match="not finite"):
        require_finite(output)
    with pytest.raises(BackendError, match="not finite"):
        measure_agreement(output, output, model, least=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_one_value_of_a_frame_that_is_not_finite_is_an_error(value: float, dtype: type[np.floating]) -> None:
    model = catalogue.find("identity", dtype)
    source = textured_image(48, 64, model)[0]
    output = source.copy()
    check_upscaled(output, source, model)
    output[1, 7, 13] = value
    with pytest.raises(BackendError, match="identity: its output is not finite for this frame"):
        check_upscaled(output, source, model)


def test_a_black_frame_is_an_error_unless_the_source_is_a_single_colour() -> None:
    model = catalogue.find("identity", np.float32)
    source = textured_image(48, 64, model)[0]
    with pytest.raises(BackendError, match="its output is a single colour for a frame that is not"):
        check_upscaled(np.zeros_like(source), source, model)
    check_upscaled(np.zeros_like(source), np.full_like(source, 0.5), model)
