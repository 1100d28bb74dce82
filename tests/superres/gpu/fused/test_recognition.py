"""Networks that are recognised, compared with ONNX Runtime; test_recognition_refusals.py has those that are not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import onnx
import onnxruntime
import pytest

from pipeline.models import catalogue, synthetic
from pipeline.superres.gpu.fused.recognition import recognise
from tests.superres.gpu.fused.networks import (
    BILINEAR,
    NEAREST,
    Builder,
    body,
    copies,
    ecbsr_of_rgb,
    etds_network,
    evaluated,
    joined_network,
    merging_network,
    normalised_network,
    reduced_network,
    spanlike,
    stack_network,
)


def leaky(b: Builder, source: str, width: int) -> str:
    return b.node("LeakyRelu", source, alpha=0.2)


def shared_slope(b: Builder, source: str, width: int) -> str:
    return b.node("PRelu", source, b.constant([0.25]))


def nothing(b: Builder, source: str, width: int) -> str:
    return source


def ecbsr(scale: int = 2) -> onnx.ModelProto:
    """ECBSR of luma, with its branches merged: PReLU, and the image added to each of the last layer's channels."""
    b = Builder(planes=1)
    summed = b.node("Add", b.conv(body(b, 16, 3, Builder.prelu), 16, scale**2), "input")
    return b.model(b.node("DepthToSpace", summed, blocksize=scale, mode="CRD"), scale)


def limited(b: Builder, residual: str = "") -> onnx.ModelProto:
    shuffled = b.node("DepthToSpace", b.conv(body(b, 8, 1, Builder.relu), 8, 12), blocksize=2, mode="CRD")
    summed = b.node("Add", shuffled, residual) if residual else shuffled
    return b.model(b.node("Clip", summed, b.constant(0), b.constant(1)), 2)


def limited_over_the_image() -> onnx.ModelProto:
    b = Builder()
    return limited(b, b.enlarged(2, **NEAREST))


def same_layer_twice() -> onnx.ModelProto:
    b = Builder()
    first = b.prelu(b.conv("input", 3, 8), 8)
    merged = b.conv(b.node("Concat", first, first, axis=1), 16, 8, size=1, pads=0)
    return b.model(b.node("DepthToSpace", b.conv(merged, 8, 12), blocksize=2), 2)


MEAN = np.array([0.4, 0.5, 0.6]).reshape(1, 3, 1, 1)


FAMILIES: dict[str, Callable[[], onnx.ModelProto]] = {
    "SRVGG": partial(synthetic.srvgg, 16, 3, np.float32),
    "SRVGG x4": partial(synthetic.srvgg, 24, 2, np.float32, scale=4),
    "SRVGG of luma x3": partial(synthetic.srvgg, 8, 2, np.float32, scale=3, channels=1),
    "PReLU with slopes above 1": partial(stack_network, inner=3),
    "shared slope": partial(stack_network, activation=shared_slope),
    "LeakyReLU": partial(stack_network, activation=leaky),
    "ReLU": partial(stack_network, activation=Builder.relu),
    "SiLU": partial(stack_network, activation=Builder.silu),
    "no activation": partial(stack_network, activation=nothing),
    "nearest residual x3": partial(stack_network, scale=3, residual=NEAREST),
    "bilinear residual x2": partial(stack_network, residual=BILINEAR),
    "bilinear residual x4": partial(stack_network, scale=4, residual=BILINEAR),
    "depth first shuffle": partial(stack_network, mode="DCR"),
    "layers joined": joined_network,
    "SPAN": lambda: spanlike(Builder()),
    "SPAN x4": lambda: spanlike(Builder(), width=16, scale=4),
    "SPAN of 12 channels": lambda: spanlike(Builder(), width=12),
    "SRVGG of 52 channels": partial(stack_network, width=52, residual=NEAREST),
    "SPAN with one block": lambda: spanlike(Builder(), blocks=1),
    "generated SPAN": partial(synthetic.span, 8, 3, np.float32),
    **{f"{images} layers merged": partial(merging_network, images=images) for images in range(1, 5)},
    "merged layers with an activation and layers behind them": partial(
        merging_network, width=24, inner=2, activation=Builder.silu
    ),
    "the same layer merged twice": same_layer_twice,
    "ECBSR": ecbsr,
    "ECBSR x3": partial(ecbsr, scale=3),
    "ECBSR of RGB": ecbsr_of_rgb,
    "ETDS": etds_network,
    "ETDS x3": partial(etds_network, scale=3),
    "ETDS with a depth first shuffle": partial(etds_network, mode="DCR"),
    "image less its mean, times a factor": partial(normalised_network, ("Sub", False, MEAN), ("Mul", True, 4.0)),
    "image divided, plus an offset": partial(normalised_network, ("Div", False, MEAN), ("Add", True, -1.0)),
    "image less a mean of three planes in one constant": partial(normalised_network, ("Sub", False, MEAN[0])),
    "output reduced by half": reduced_network,
    "output reduced to three quarters": partial(reduced_network, factor=0.75),
    "output limited to 0 to 1": lambda: limited(Builder()),
    "output over the image limited to 0 to 1": limited_over_the_image,
}


def output_of(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {session.get_inputs()[0].name: image})
    return np.asarray(output)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_recognised_stack_computes_what_onnx_runtime_computes(family: str) -> None:
    model = FAMILIES[family]()
    stack = recognise(model)
    image = np.random.default_rng(1).random((1, stack.planes, 7, 9), np.float32)
    np.testing.assert_allclose(evaluated(stack, image), output_of(model, image), atol=2e-5)


def test_clear_x2_is_recognised_and_computes_the_same() -> None:
    model = onnx.load(catalogue.find("clear-x2", np.float32).path)
    stack = recognise(model)
    assert (stack.width, len(stack.layers), stack.planes, stack.scale, stack.residual) == (40, 8, 3, 2, "nearest")
    image = np.random.default_rng(1).random((1, 3, 12, 10), np.float32)
    np.testing.assert_allclose(evaluated(stack, image), output_of(model, image), atol=2e-5)


def test_copies_of_the_image_added_before_the_shuffle_are_a_nearest_residual() -> None:
    b = Builder()
    last = b.node("Identity", b.conv(body(b, 8, 1, Builder.relu), 8, 12))
    model = b.model(b.node("DepthToSpace", b.node("Add", last, copies(b, 2)), blocksize=2), 2)
    stack = recognise(model)
    assert stack.residual == "nearest"
    image = np.random.default_rng(1).random((1, 3, 7, 9), np.float32)
    np.testing.assert_allclose(evaluated(stack, image), output_of(model, image), atol=2e-5)
