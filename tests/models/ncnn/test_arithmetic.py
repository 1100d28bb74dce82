"""Arithmetic of tensors, against NumPy's."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.errors import ModelError
from tests.models.ncnn.networks import Array, plain, random, run, run_layer, run_layer_on_two

ONE = random(3, 5, 6) + 2
OTHER = random(3, 5, 6, seed=1) + 2

BINARY: list[Callable[[Array, Array], Array]] = [
    np.add,
    np.subtract,
    np.multiply,
    np.divide,
    np.maximum,
    np.minimum,
    np.power,
    lambda a, b: b - a,
    lambda a, b: b / a,
    lambda a, b: b**a,
]


@pytest.mark.parametrize("operation", range(len(BINARY)))
def test_binary_operation_computes_its_formula_with_a_tensor_or_a_number(operation: int) -> None:
    formula = BINARY[operation]
    np.testing.assert_allclose(run_layer_on_two(f"BinaryOp 0={operation}", ONE, OTHER), formula(ONE, OTHER), rtol=1e-5)
    number = run_layer(f"BinaryOp 0={operation} 1=1 2=2.5", b"", ONE)
    np.testing.assert_allclose(number, formula(ONE, np.full_like(ONE, 2.5)), rtol=1e-5)


@pytest.mark.parametrize(
    ("operation", "formula"),
    [(0, np.abs), (1, np.negative), (4, np.square), (5, np.sqrt), (6, lambda x: 1 / np.sqrt(x)), (15, np.reciprocal)],
)
def test_unary_operation_computes_its_formula(operation: int, formula: Callable[[Array], Array]) -> None:
    np.testing.assert_allclose(run_layer(f"UnaryOp 0={operation}", b"", ONE), formula(ONE), rtol=1e-5)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("Eltwise 0=0", ONE * OTHER),
        ("Eltwise 0=1", ONE + OTHER),
        ("Eltwise 0=1 -23301=2,0.2,1.0", 0.2 * ONE + OTHER),
        ("Eltwise 0=2", np.maximum(ONE, OTHER)),
    ],
)
def test_eltwise_joins_two_tensors_with_factors(layer: str, expected: Array) -> None:
    np.testing.assert_allclose(run_layer_on_two(layer, ONE, OTHER), expected, rtol=1e-5)


def test_scale_multiplies_and_shifts_each_channel() -> None:
    factors, offsets = random(3), random(3, seed=1)
    output = run_layer("Scale 0=3 1=1", plain(factors, offsets), ONE)
    np.testing.assert_allclose(output, ONE * factors[:, None, None] + offsets[:, None, None], rtol=1e-5)


def test_scale_by_a_computed_vector_multiplies_each_channel() -> None:
    layers = [
        "Input image 0 1 x 2=3",
        "Split copies 1 2 x a b",
        "Pooling mean 1 1 a c 0=1 4=1",
        "Scale tested 2 1 b c y 0=-233",
    ]
    np.testing.assert_allclose(run(layers, b"", ONE), ONE * ONE.mean((1, 2), keepdims=True), rtol=1e-5)


def test_batch_norm_uses_its_constant_statistics() -> None:
    slope, mean, variance, bias = random(3), random(3, seed=1), random(3, seed=2) + 2, random(3, seed=3)
    normal = (ONE - mean[:, None, None]) / np.sqrt(variance + 1e-3)[:, None, None]
    output = run_layer("BatchNorm 0=3 1=0.001", plain(slope, mean, variance, bias), ONE)
    np.testing.assert_allclose(output, normal * slope[:, None, None] + bias[:, None, None], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", ["0=1 1=1 2=3", "0=3"])
def test_constant_of_each_channel_is_subtracted_from_an_image(shape: str) -> None:
    constant = random(3)
    layers = [f"MemoryData mean 0 1 m {shape}", "Input image 0 1 x", "BinaryOp tested 2 1 x m y 0=1"]
    np.testing.assert_allclose(run(layers, plain(constant), ONE), ONE - constant[:, None, None], rtol=1e-5)


def test_copies_of_a_tensor_are_the_tensor() -> None:
    layers = [
        "Input image 0 1 x 2=3",
        "Noop nothing 1 1 x w",
        "Dropout none 1 1 w v",
        "Split copies 1 2 v a b",
        "BinaryOp sum 2 1 a b y",
    ]
    np.testing.assert_allclose(run(layers, b"", ONE), 2 * ONE)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("BinaryOp 0=10 1=1 2=1", "operation 10 is not supported"),
        ("UnaryOp 0=12", "operation 12 is not supported"),
        ("Scale 0=2", "2 factors for 3 channels"),
        ("Dropout 0=0.5", "a scale of 0.5"),
    ],
)
def test_unsupported_arithmetic_is_named(layer: str, message: str) -> None:
    with pytest.raises(ModelError, match=f"^layer {layer.split()[0]} 'tested': .*{message}"):
        run_layer(layer, plain(random(4)), ONE)


@pytest.mark.parametrize("shape", ["0=2 1=2", "0=1 1=1 11=2 2=3", ""])
def test_constants_of_other_dimensions_are_refused(shape: str) -> None:
    layers = [f"MemoryData mean 0 1 m {shape}", "Input image 0 1 x 2=3", "BinaryOp sum 2 1 x m y"]
    with pytest.raises(ModelError, match="constants of two or four dimensions"):
        run(layers, plain(random(16)), ONE)


def test_factors_in_another_number_than_tensors_are_refused() -> None:
    with pytest.raises(ModelError, match="1 factors for 2 tensors"):
        run_layer_on_two("Eltwise 0=1 -23301=1,0.5", ONE, OTHER)
