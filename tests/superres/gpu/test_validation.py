"""Engines that are wrong are found out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import BackendError
from pipeline.models import catalogue, synthetic
from pipeline.models.inspection import inspect
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu import validation

Picture = NDArray[Any]


@pytest.fixture
def model() -> ModelSpec:
    return catalogue.find("clear-x2", np.float32)


def right(model: ModelSpec) -> Callable[[Picture], Picture]:
    return lambda picture: validation.reference(model, picture).astype(model.dtype)


@pytest.mark.parametrize("size", [(200, 312), (40, 64), (97, 201)], ids=str)
def test_a_right_engine_is_trusted(model: ModelSpec, size: tuple[int, int]) -> None:
    assert validation.check(model, right(model), *size) > 100


def test_a_network_that_sees_the_whole_picture_is_compared_as_a_whole(model: ModelSpec) -> None:
    assert validation.check(replace(model, receptive_field_radius=None), right(model), 72, 96) > 100


def test_a_network_of_one_size_is_compared_as_a_whole(tmp_path: Path) -> None:
    made = synthetic.nearest(np.float32)
    for tensor, scale in ((made.graph.input[0], 1), (made.graph.output[0], 2)):
        for dimension, length in zip(tensor.type.tensor_type.shape.dim, (1, 3, 160 * scale, 240 * scale), strict=True):
            dimension.Clear()
            dimension.dim_value = length
    path = tmp_path / "fixed.onnx"
    path.write_bytes(made.SerializeToString())
    model = inspect(path)
    assert model.size == (160, 240)
    assert validation.check(model, right(model), 160, 240) > 100


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (np.zeros_like, "one colour"),
        (lambda made: np.full_like(made, np.nan), "not finite"),
        (lambda made: np.where(np.arange(made.shape[3]) == 5, np.inf, made), "not finite"),
        (lambda made: made[:, ::-1], "dB beside ONNX Runtime"),
        (lambda made: np.roll(made, 1, axis=3), "dB beside ONNX Runtime"),
        (lambda made: np.random.default_rng(0).random(made.shape), "dB beside ONNX Runtime"),
        (lambda made: made + 0.02, "dB beside ONNX Runtime"),
    ],
    ids=["black", "nan", "an infinite column", "bgr", "shifted", "noise", "too bright"],
)
def test_a_wrong_engine_is_refused(model: ModelSpec, spoil: Callable[[Picture], Picture], reason: str) -> None:
    with pytest.raises(BackendError, match=rf"clear-x2 is not right \(.*{reason}"):
        validation.check(model, lambda picture: spoil(right(model)(picture)), 128, 160)


def test_a_network_of_luma_is_shown_luma(tmp_path: Path) -> None:
    path = tmp_path / "luma.onnx"
    path.write_bytes(synthetic.nearest(np.float32, channels=1).SerializeToString())
    model = inspect(path)
    assert validation.textured(40, 64, model).shape == (1, 1, 40, 64)
    assert validation.check(model, right(model), 40, 64) > 100
    with pytest.raises(BackendError, match="dB beside ONNX Runtime"):
        validation.check(model, lambda picture: np.roll(right(model)(picture), 1, axis=2), 40, 64)


def test_a_conversion_is_compared_with_what_it_came_from(model: ModelSpec) -> None:
    half = catalogue.find("clear-x2", "bf16")
    assert half.reference is not None
    assert validation.check(half, right(half), 96, 128) > 60
