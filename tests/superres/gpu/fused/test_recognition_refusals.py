"""Networks that resemble recognised ones, and are refused with what is not supported."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import onnx
import pytest

from pipeline.models import synthetic
from pipeline.superres.gpu.fused.recognition import recognise
from pipeline.superres.gpu.fused.stack import UnknownStructure
from tests.superres.gpu.fused.networks import (
    BILINEAR,
    NEAREST,
    Builder,
    body,
    copies,
    ecbsr_of_rgb,
    normalised_network,
    reduced_network,
    stack_network,
)


def copies_in_blue_green_red(b: Builder) -> str:
    return b.node("Concat", *[b.node("Gather", "input", b.indices([2, 1, 0]), axis=1)] * 4, axis=1)


def added_before_the_shuffle(make: Callable[[Builder], str]) -> onnx.ModelProto:
    b = Builder()
    summed = b.node("Add", b.conv(body(b, 8, 1, Builder.relu), 8, 12), make(b))
    return b.model(b.node("DepthToSpace", summed, blocksize=2), 2)


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
    return b.model(b.node("DepthToSpace", b.relu(b.conv(b.conv("input", 3, 8), 8, 12), 12), blocksize=2), 2)


def output_clipped_to_another_range() -> onnx.ModelProto:
    b = Builder()
    shuffled = b.node("DepthToSpace", b.conv(body(b, 8, 1, Builder.relu), 8, 12), blocksize=2)
    return b.model(b.node("Clip", shuffled, b.constant(0), b.constant(2)), 2)


def image_added_after_the_limit() -> onnx.ModelProto:
    b = Builder()
    shuffled = b.node("DepthToSpace", b.conv(body(b, 8, 1, Builder.relu), 8, 12), blocksize=2)
    limited = b.node("Clip", shuffled, b.constant(0), b.constant(1))
    return b.model(b.node("Add", limited, b.enlarged(2, **NEAREST)), 2)


def merged(
    *widths: int, axis: int = 1, outputs: int = 8, read_before_its_activation: bool = False, **attributes: object
) -> onnx.ModelProto:
    """Layers of these widths, concatenated and merged by a convolution, 1x1 unless `attributes` say otherwise."""
    b = Builder()
    sources, current, inputs = [], "input", 3
    for width in widths:
        before = b.conv(current, inputs, width)
        current, inputs = b.relu(before, width), width
        sources.append(before if read_before_its_activation else current)
    options = {"size": 1, "pads": 0} | attributes
    joined = b.node("Concat", *sources, axis=axis)
    reader = b.conv(joined, sum(widths) if axis == 1 else widths[0], outputs, **options)  # type: ignore[arg-type]
    return b.model(b.node("DepthToSpace", b.conv(reader, outputs, 12), blocksize=2), 2)


def grouped_merge() -> onnx.ModelProto:
    b = Builder()
    first = b.conv("input", 3, 8)
    joined = b.node("Concat", first, b.relu(b.conv(first, 8, 8), 8), axis=1)
    merged = b.conv(joined, 8, 8, size=1, pads=0, group=2)
    return b.model(b.node("DepthToSpace", b.conv(merged, 8, 12), blocksize=2), 2)


def divided_layer() -> onnx.ModelProto:
    b = Builder()
    halved = b.node("Div", b.conv("input", 3, 8), b.constant(2.0))
    return b.model(b.node("DepthToSpace", b.conv(halved, 8, 12), blocksize=2), 2)


def one_by_one_of_the_image() -> onnx.ModelProto:
    b = Builder()
    return b.model(b.node("DepthToSpace", b.conv(b.conv("input", 3, 8, size=1, pads=0), 8, 12), blocksize=2), 2)


def one_by_one_before_the_shuffle() -> onnx.ModelProto:
    b = Builder()
    return b.model(b.node("DepthToSpace", b.conv(body(b, 8, 1, Builder.relu), 8, 12, size=1, pads=0), blocksize=2), 2)


def image_beside_a_layer() -> onnx.ModelProto:
    b = Builder()
    joined = b.node("Concat", b.conv("input", 3, 8), "input", axis=1)
    return b.model(b.node("DepthToSpace", b.conv(b.conv(joined, 11, 8, size=1, pads=0), 8, 12), blocksize=2), 2)


def image_added_to_too_many_channels() -> onnx.ModelProto:
    b = Builder(planes=1)
    summed = b.node("Add", b.conv("input", 1, 8), "input")
    return b.model(b.node("DepthToSpace", b.conv(summed, 8, 4), blocksize=2), 2)


def steep_slopes_where_a_gate_reads() -> onnx.ModelProto:
    b = Builder()
    first = b.prelu(b.conv("input", 3, 8), 8, low=1.2)
    joined = b.node("Concat", first, b.gate(first, b.conv(first, 8, 8)), axis=1)
    return b.model(b.node("DepthToSpace", b.conv(b.conv(joined, 16, 8, size=1, pads=0), 8, 12), blocksize=2), 2)


def limited_otherwise_than_etds() -> onnx.ModelProto:
    """Between two ReLUs, 2 - z instead of 1 - z."""
    b = Builder()
    last = b.relu(b.conv(body(b, 8, 1, Builder.relu), 8, 12), 12)
    weights = b.constant(-np.eye(12)[:, :, None, None]), b.constant(np.full(12, 2))
    return b.model(b.node("DepthToSpace", b.relu(b.node("Conv", last, *weights), 12), blocksize=2), 2)


def etds_over_the_image() -> onnx.ModelProto:
    """The image is added after the limit, which the kernels apply at the end."""
    b = Builder()
    last = b.relu(b.conv(body(b, 8, 1, Builder.relu), 8, 12), 12)
    weights = b.constant(-np.eye(12)[:, :, None, None]), b.constant(np.ones(12))
    shuffled = b.node("DepthToSpace", b.relu(b.node("Conv", last, *weights), 12), blocksize=2, mode="CRD")
    return b.model(b.node("Add", shuffled, b.enlarged(2, **NEAREST)), 2)


def slice_of_the_last_channels() -> onnx.ModelProto:
    b = Builder()
    bounds = [b.indices(values) for values in ([1], [13], [1])]
    last = b.node("Slice", b.conv(body(b, 8, 1, Builder.relu), 8, 13), *bounds)
    return b.model(b.node("DepthToSpace", last, blocksize=2), 2)


def bicubic_residual() -> onnx.ModelProto:
    return stack_network(residual={"mode": "cubic", "coordinate_transformation_mode": "half_pixel"})


def steep_slope_where_layers_are_joined() -> onnx.ModelProto:
    b = Builder()
    first = b.prelu(b.conv("input", 3, 8), 8, low=1.2)
    second = b.node("Add", b.conv(first, 8, 8), first)
    return b.model(b.node("DepthToSpace", b.conv(second, 8, 12), blocksize=2, mode="CRD"), 2)


def image_added_twice() -> onnx.ModelProto:
    b = Builder()
    shuffled = b.node("DepthToSpace", b.conv(body(b, 8, 1, Builder.relu), 8, 12), blocksize=2, mode="CRD")
    once = b.node("Add", shuffled, b.enlarged(2, **NEAREST))
    return b.model(b.node("Add", once, b.enlarged(2, **BILINEAR)), 2)


def nearest_residual_rounded_down() -> onnx.ModelProto:
    return stack_network(residual=NEAREST | {"coordinate_transformation_mode": "half_pixel"})


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
    summed = b.node("Add", b.conv(b.relu(raw, 8), 8, 8), raw)
    return b.model(b.node("DepthToSpace", b.conv(summed, 8, 12), blocksize=2, mode="CRD"), 2)


NEAR_MISSES: dict[str, Callable[[], onnx.ModelProto]] = {
    "an image added twice": image_added_twice,
    "mode nearest": nearest_residual_rounded_down,
    "copies of the image in another order": partial(ecbsr_of_rgb, mode="DCR"),
    "than the pixel shuffle's input": partial(added_before_the_shuffle, copies_in_blue_green_red),
    "operators on the image that can't be evaluated": partial(
        added_before_the_shuffle, lambda b: b.node("Reshape", "input", b.indices([1, 12, 7, 7]))
    ),
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
    "a Clip that does not limit": output_clipped_to_another_range,
    "neither layers nor the image": image_added_after_the_limit,
    "along axis 2, not 1": partial(merged, 8, 8, axis=2),
    "layers that are not all of one width": partial(merged, 8, 16),
    "a convolution with strides [2, 2]": partial(merged, 8, 8, strides=[2, 2]),
    "a convolution with pads [1, 1, 1, 1], not [0, 0, 0, 0]": partial(merged, 8, 8, pads=1),
    "a convolution with group 2": grouped_merge,
    "that does not read the layer before it": partial(merged, 8, 8, size=3, pads=1),
    "a Concat of 5 layers' outputs, more than 4": partial(merged, 8, 8, 8, 8, 8),
    "an activation of a tensor that is no layer's": partial(merged, 8, 8, read_before_its_activation=True),
    "a 1x1 convolution that reads neither": one_by_one_of_the_image,
    "a 1x1 convolution before the pixel shuffle": one_by_one_before_the_shuffle,
    "neither all outputs of layers nor copies": image_beside_a_layer,
    "an image of 1 planes added to 8 channels": image_added_to_too_many_channels,
    "a slope of PReLU above 1 where": steep_slopes_where_a_gate_reads,
    "before the pixel shuffle": limited_otherwise_than_etds,
    "a 1x1 convolution before": etds_over_the_image,
    "other than the first channels": slice_of_the_last_channels,
    "a normalisation of the image by a constant of shape": partial(
        normalised_network, ("Sub", False, np.ones((1, 1, 1, 3)))
    ),
    "a division of the image by 0": partial(normalised_network, ("Div", False, 0.0)),
    "a Div that does not": divided_layer,
    "mode cubic": bicubic_residual,
    "no cubic reduction to a whole multiple": partial(reduced_network, scale=3, factor=1 / 3, mode="linear"),
    "a Resize of the output that is no cubic": partial(reduced_network, cubic_coeff_a=-0.5),
    "above 1 where layers are joined": steep_slope_where_layers_are_joined,
}


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
        recognise(stack_network(width=72))
