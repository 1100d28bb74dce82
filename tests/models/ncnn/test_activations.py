"""Activations, against their formulas."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from pipeline.models.ncnn.converter import convert_ncnn
from tests.models.ncnn.networks import Array, param, plain, random, run_layer, tagged

IMAGE = 4 * random(3, 6, 7)


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def erf(x: Array) -> Array:
    return np.vectorize(math.erf)(x)  # type: ignore[no-any-return]


FORMULAS: list[tuple[str, Callable[[Array], Array]]] = [
    ("ReLU", lambda x: np.maximum(x, 0)),
    ("ReLU 0=0.25", lambda x: np.where(x > 0, x, 0.25 * x)),
    ("Clip 0=-0.5 1=0.75", lambda x: np.clip(x, -0.5, 0.75)),
    ("Clip 1=0.75", lambda x: np.minimum(x, 0.75)),
    ("ELU 0=0.5", lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    ("Sigmoid", sigmoid),
    ("TanH", np.tanh),
    ("AbsVal", np.abs),
    ("Swish", lambda x: x * sigmoid(x)),
    ("Mish", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    ("HardSigmoid", lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    ("HardSwish 0=0.25 1=0.5", lambda x: x * np.clip(0.25 * x + 0.5, 0, 1)),
    ("GELU", lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2)))),
    ("GELU 0=1", lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
]


@pytest.mark.parametrize(("layer", "formula"), FORMULAS, ids=[layer for layer, _ in FORMULAS])
def test_activation_layer_computes_its_formula(layer: str, formula: Callable[[Array], Array]) -> None:
    np.testing.assert_allclose(run_layer(layer, b"", IMAGE), formula(IMAGE), atol=1e-5)


@pytest.mark.parametrize("count", [1, 3])
def test_prelu_has_a_slope_for_each_channel_or_one(count: int) -> None:
    slopes = random(count, seed=1)
    expected = np.where(IMAGE > 0, IMAGE, IMAGE * slopes[:, None, None])
    np.testing.assert_allclose(run_layer(f"PReLU 0={count}", plain(slopes), IMAGE), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "formula"),
    [
        ("9=1", lambda x: np.maximum(x, 0)),
        ("9=2 -23310=1,0.1", lambda x: np.where(x > 0, x, 0.1 * x)),
        ("9=3 -23310=2,-0.5,0.5", lambda x: np.clip(x, -0.5, 0.5)),
        ("9=4", sigmoid),
        ("9=5", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
        ("9=6 -23310=2,0.25,0.5", lambda x: x * np.clip(0.25 * x + 0.5, 0, 1)),
    ],
)
def test_activation_of_a_convolution_follows_it(parameters: str, formula: Callable[[Array], Array]) -> None:
    output = run_layer(f"Convolution 0=3 1=1 6=9 {parameters}", tagged(np.eye(3)), IMAGE)
    np.testing.assert_allclose(output, formula(IMAGE), atol=1e-5)


def test_limits_of_a_clip_are_scalars_as_onnx_requires() -> None:
    model = convert_ncnn(param("Input image 0 1 x 2=3", "Clip limits 1 1 x y 0=0 1=1"), b"")
    assert [list(tensor.dims) for tensor in model.graph.initializer] == [[], []]
