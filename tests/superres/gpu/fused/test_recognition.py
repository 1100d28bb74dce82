from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import onnx
import onnxruntime
import pytest

from pipeline.models import catalogue, synthetic
from pipeline.superres.gpu.fused.chain import UnknownStructure
from pipeline.superres.gpu.fused.recognition import recognise
from tests.superres.gpu.fused.networks import BILINEAR, NEAREST, Builder, body, chain_network, evaluated, joined_network


def leaky(b: Builder, source: str, width: int) -> str:
    return b.node("LeakyRelu", source, alpha=0.2)


def shared_slope(b: Builder, source: str, width: int) -> str:
    return b.node("PRelu", source, b.constant([0.25]))


def relu(b: Builder, source: str, width: int) -> str:
    return b.node("Relu", source)


def nothing(b: Builder, source: str, width: int) -> str:
    return source


FAMILIES: dict[str, Callable[[], onnx.ModelProto]] = {
    "SRVGG": partial(synthetic.srvgg, 16, 3, np.float32),
    "SRVGG x4": partial(synthetic.srvgg, 24, 2, np.float32, scale=4),
    "SRVGG of luma x3": partial(synthetic.srvgg, 8, 2, np.float32, scale=3, channels=1),
    "PReLU with slopes above 1": partial(chain_network, inner=3),
    "shared slope": partial(chain_network, activation=shared_slope),
    "LeakyReLU": partial(chain_network, activation=leaky),
    "ReLU": partial(chain_network, activation=relu),
    "SiLU": partial(chain_network, activation=Builder.silu),
    "no activation": partial(chain_network, activation=nothing),
    "nearest residual x3": partial(chain_network, scale=3, residual=NEAREST),
    "bilinear residual x2": partial(chain_network, residual=BILINEAR),
    "bilinear residual x4": partial(chain_network, scale=4, residual=BILINEAR),
    "depth first shuffle": partial(chain_network, mode="DCR"),
    "layers joined": joined_network,
}


def output_of(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {session.get_inputs()[0].name: image})
    return np.asarray(output)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_recognised_chain_computes_what_onnx_runtime_computes(family: str) -> None:
    model = FAMILIES[family]()
    chain = recognise(model)
    image = np.random.default_rng(1).random((1, chain.planes, 7, 9), np.float32)
    np.testing.assert_allclose(evaluated(chain, image), output_of(model, image), atol=2e-5)


def test_clear_x2_is_recognised_and_computes_the_same() -> None:
    model = onnx.load(catalogue.find("clear-x2", np.float32).path)
    chain = recognise(model)
    assert (chain.width, len(chain.layers), chain.planes, chain.scale, chain.residual) == (40, 8, 3, 2, "nearest")
    image = np.random.default_rng(1).random((1, 3, 12, 10), np.float32)
    np.testing.assert_allclose(evaluated(chain, image), output_of(model, image), atol=2e-5)


def strided() -> onnx.ModelProto:
    b = Builder()
    return b.model(b.node("DepthToSpace", b.conv(b.conv("input", 3, 8, strides=[2, 2]), 8, 12), blocksize=2), 2)


def dilated() -> onnx.ModelProto:
    b = Builder()
    return b.model(
        b.node("DepthToSpace", b.conv(b.conv("input", 3, 8, pads=2, dilations=[2, 2]), 8, 12), blocksize=2), 2
    )


def five_by_five() -> onnx.ModelProto:
    b = Builder()
    return b.model(b.node("DepthToSpace", b.conv(b.conv("input", 3, 8, size=5, pads=2), 8, 12), blocksize=2), 2)


def unpadded() -> onnx.ModelProto:
    b = Builder()
    return b.model(b.node("DepthToSpace", b.conv(b.conv("input", 3, 8, pads=0), 8, 12), blocksize=2), 2)


def two_widths() -> onnx.ModelProto:
    b = Builder()
    return b.model(b.node("DepthToSpace", b.conv(b.conv(b.conv("input", 3, 8), 8, 16), 16, 12), blocksize=2), 2)


def no_shuffle() -> onnx.ModelProto:
    b = Builder()
    return b.model(b.conv(b.conv("input", 3, 8), 8, 3), 1)


def activated_output() -> onnx.ModelProto:
    b = Builder()
    return b.model(b.node("DepthToSpace", relu(b, b.conv(b.conv("input", 3, 8), 8, 12), 12), blocksize=2), 2)


def clipped_output() -> onnx.ModelProto:
    b = Builder()
    shuffled = b.node("DepthToSpace", b.conv(body(b, 8, 1, relu), 8, 12), blocksize=2)
    return b.model(b.node("Clip", shuffled, b.constant(0.0), b.constant(1.0)), 2)


def bicubic_residual() -> onnx.ModelProto:
    return chain_network(residual={"mode": "cubic", "coordinate_transformation_mode": "half_pixel"})


def steep_slope_where_layers_are_joined() -> onnx.ModelProto:
    b = Builder()
    first = b.prelu(b.conv("input", 3, 8), 8, low=1.2)
    second = b.node("Add", b.conv(first, 8, 8), first)
    return b.model(b.node("DepthToSpace", b.conv(second, 8, 12), blocksize=2, mode="CRD"), 2)


def image_added_twice() -> onnx.ModelProto:
    b = Builder()
    shuffled = b.node("DepthToSpace", b.conv(body(b, 8, 1, relu), 8, 12), blocksize=2, mode="CRD")
    once = b.node("Add", shuffled, b.enlarged(2, **NEAREST))
    return b.model(b.node("Add", once, b.enlarged(2, **BILINEAR)), 2)


def nearest_residual_rounded_down() -> onnx.ModelProto:
    return chain_network(residual=NEAREST | {"coordinate_transformation_mode": "half_pixel"})


def copies(b: Builder, scale: int) -> str:
    return b.node("Concat", *["input"] * scale**2, axis=1)


def copies_of_the_image_added_to_an_inner_layer() -> onnx.ModelProto:
    b = Builder(planes=1)
    inner = b.node("Add", b.conv("input", 1, 16), copies(b, 4))
    return b.model(b.node("DepthToSpace", b.conv(inner, 16, 16), blocksize=4), 4)


def copies_of_the_image_added_twice() -> onnx.ModelProto:
    b = Builder()
    last = b.conv(b.conv("input", 3, 8), 8, 12)
    twice = b.node("Add", b.node("Add", last, copies(b, 2)), copies(b, 2))
    return b.model(b.node("DepthToSpace", twice, blocksize=2), 2)


def layer_read_twice_through_identity() -> onnx.ModelProto:
    """The convolution's output, before its activation, is read again by an addition."""
    b = Builder()
    raw = b.node("Identity", b.conv("input", 3, 8))
    summed = b.node("Add", b.conv(relu(b, raw, 8), 8, 8), raw)
    return b.model(b.node("DepthToSpace", b.conv(summed, 8, 12), blocksize=2, mode="CRD"), 2)


NEAR_MISSES = {
    "an image added twice": image_added_twice,
    "mode nearest": nearest_residual_rounded_down,
    "or elsewhere": copies_of_the_image_added_to_an_inner_layer,
    "copies of the image that are not added to one": copies_of_the_image_added_twice,
    "is read elsewhere too": layer_read_twice_through_identity,
    "strides": strided,
    "pads [2, 2, 2, 2]": dilated,
    "(outputs, inputs, 3, 3)": five_by_five,
    "pads": unpadded,
    "of one width": two_widths,
    "pixel shuffle": no_shuffle,
    "after the last convolution": activated_output,
    "Clip": clipped_output,
    "mode cubic": bicubic_residual,
    "above 1 where layers are joined": steep_slope_where_layers_are_joined,
}


def test_copies_of_the_image_added_before_the_shuffle_are_a_nearest_residual() -> None:
    b = Builder()
    last = b.node("Identity", b.conv(body(b, 8, 1, relu), 8, 12))
    model = b.model(b.node("DepthToSpace", b.node("Add", last, copies(b, 2)), blocksize=2), 2)
    chain = recognise(model)
    assert chain.residual == "nearest"
    image = np.random.default_rng(1).random((1, 3, 7, 9), np.float32)
    np.testing.assert_allclose(evaluated(chain, image), output_of(model, image), atol=2e-5)


@pytest.mark.parametrize("reason", NEAR_MISSES)
def test_unsupported_structure_is_refused_with_the_part_that_is_not_supported(reason: str) -> None:
    with pytest.raises(UnknownStructure) as refused:
        recognise(NEAR_MISSES[reason]())
    assert reason in str(refused.value)


@pytest.mark.parametrize("make", [synthetic.identity, synthetic.nearest])
def test_networks_without_convolutions_are_refused(make: object) -> None:
    with pytest.raises(UnknownStructure):
        recognise(make(np.float32))  # type: ignore[operator]  # both take a dtype


def test_widths_beyond_64_are_refused() -> None:
    with pytest.raises(UnknownStructure, match="of one width from 8 to 64"):
        recognise(chain_network(width=72))
