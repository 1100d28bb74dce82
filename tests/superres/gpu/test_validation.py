"""Validation of engines."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import BackendError
from pipeline.models import catalogue, synthetic
from pipeline.models.inspection import inspect_model
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu import validation
from pipeline.superres.output_check import textured_image

Image = NDArray[Any]


@pytest.fixture
def model() -> ModelSpec:
    return catalogue.find("clear-x2", np.float32)


def correct_engine(model: ModelSpec) -> Callable[[Image], Image]:
    return lambda image: validation.reference_output(model, image).astype(model.dtype)


@pytest.mark.parametrize("size", [(200, 312), (40, 64), (97, 201)], ids=str)
def test_a_correct_engine_is_accepted(model: ModelSpec, size: tuple[int, int]) -> None:
    assert validation.validate_engine(model, correct_engine(model), *size) > 100


def test_an_engine_for_images_of_one_pixel_is_accepted_though_its_output_is_a_single_colour(tmp_path: Path) -> None:
    path = tmp_path / "nearest.onnx"
    path.write_bytes(synthetic.nearest(np.float32).SerializeToString())
    model = inspect_model(path)
    assert validation.validate_engine(model, correct_engine(model), 1, 1) > 100


def test_the_complete_image_is_compared_if_the_receptive_field_is_unknown(model: ModelSpec) -> None:
    assert validation.validate_engine(replace(model, receptive_field_radius=None), correct_engine(model), 72, 96) > 100


def test_the_complete_image_is_compared_if_the_network_accepts_one_size(tmp_path: Path) -> None:
    network = synthetic.nearest(np.float32)
    for tensor, scale in ((network.graph.input[0], 1), (network.graph.output[0], 2)):
        for dimension, length in zip(tensor.type.tensor_type.shape.dim, (1, 3, 160 * scale, 240 * scale), strict=True):
            dimension.Clear()
            dimension.dim_value = length
    path = tmp_path / "fixed.onnx"
    path.write_bytes(network.SerializeToString())
    model = inspect_model(path)
    assert model.size == (160, 240)
    assert validation.validate_engine(model, correct_engine(model), 160, 240) > 100


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (np.zeros_like, "a single colour"),
        (lambda output: np.full_like(output, np.nan), "not finite"),
        (lambda output: np.where(np.arange(output.shape[3]) == 5, np.inf, output), "not finite"),
        (lambda output: output[:, ::-1], "dB compared with ONNX Runtime"),
        (lambda output: np.roll(output, 1, axis=3), "dB compared with ONNX Runtime"),
        (lambda output: np.random.default_rng(0).random(output.shape), "dB compared with ONNX Runtime"),
        (lambda output: output + 0.02, "dB compared with ONNX Runtime"),
    ],
    ids=["black", "nan", "an infinite column", "bgr", "shifted", "noise", "too bright"],
)
def test_a_wrong_engine_is_refused(model: ModelSpec, spoil: Callable[[Image], Image], reason: str) -> None:
    with pytest.raises(BackendError, match=rf"clear-x2 is wrong \(.*{reason}"):
        validation.validate_engine(model, lambda image: spoil(correct_engine(model)(image)), 128, 160)


def test_a_luma_network_is_validated_with_luma(tmp_path: Path) -> None:
    path = tmp_path / "luma.onnx"
    path.write_bytes(synthetic.nearest(np.float32, channels=1).SerializeToString())
    model = inspect_model(path)
    assert textured_image(40, 64, model).shape == (1, 1, 40, 64)
    assert validation.validate_engine(model, correct_engine(model), 40, 64) > 100
    with pytest.raises(BackendError, match="dB compared with ONNX Runtime"):
        validation.validate_engine(model, lambda image: np.roll(correct_engine(model)(image), 1, axis=2), 40, 64)


def test_a_converted_network_is_compared_with_its_original(model: ModelSpec) -> None:
    half = catalogue.find("clear-x2", "bf16")
    assert half.reference is not None
    assert validation.validate_engine(half, correct_engine(half), 96, 128) > 60
