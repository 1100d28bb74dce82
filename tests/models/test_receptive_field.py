"""The receptive field, compared with the measured one: one pixel of a black image is set, and the network is run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from pipeline.models import catalogue, synthetic
from pipeline.models.receptive_field import receptive_field_radius, stride

SIDE = 48
CHANNELS = 4


class NetworkBuilder:
    """A network of one path, built layer by layer. Weights are positive, so that no contributions cancel."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.current = "input"
        self.channels = 1
        self.rng = np.random.default_rng(0)

    def constant(self, values: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(values, f"constant{len(self.weights)}"))
        return str(self.weights[-1].name)

    def add(self, operator: str, *others: str, **attributes: Any) -> "NetworkBuilder":
        output = f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [self.current, *others], [output], **attributes))
        self.current = output
        return self

    def convolve(self, kernel: int, channels: int = CHANNELS, **attributes: Any) -> "NetworkBuilder":
        shape = (channels, self.channels, kernel, kernel)
        self.channels = channels
        attributes.setdefault("pads", [kernel // 2 * attributes.get("dilations", [1])[0]] * 4)
        if "auto_pad" in attributes:
            del attributes["pads"]
        return self.add("Conv", self.constant(self._positive(shape)), **attributes)

    def transpose(self, kernel: int, stride: int = 2) -> "NetworkBuilder":
        weights = self.constant(self._positive((self.channels, self.channels, kernel, kernel)))
        return self.add("ConvTranspose", weights, strides=[stride] * 2, pads=[(kernel - stride) // 2] * 4)

    def shuffle(self) -> "NetworkBuilder":
        self.channels //= 4
        return self.add("DepthToSpace", blocksize=2)

    def unshuffle(self) -> "NetworkBuilder":
        self.channels *= 4
        return self.add("SpaceToDepth", blocksize=2)

    def double(self) -> "NetworkBuilder":
        """State that the channels were doubled."""
        self.channels *= 2
        return self

    def halve(self) -> "NetworkBuilder":
        return self.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])

    def pad(self, width: int, mode: str) -> "NetworkBuilder":
        return self.add("Pad", self.constant(np.array([0, 0, width, width] * 2)), mode=mode)

    def resize(self, factor: float, **attributes: Any) -> "NetworkBuilder":
        return self.add("Resize", "", self.constant(np.array([1, 1, factor, factor], np.float32)), **attributes)

    def _positive(self, shape: tuple[int, ...]) -> np.ndarray:
        return self.rng.uniform(0.5, 1, shape).astype(np.float32)

    def model(self) -> onnx.ModelProto:
        source = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 1, None, None])
        output = helper.make_tensor_value_info(self.current, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "network", [source], [output], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def runner(model: onnx.ModelProto) -> Callable[[np.ndarray], np.ndarray]:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda image: session.run(None, {"input": image})[0]


def observed(model: onnx.ModelProto) -> int:
    """The largest distance of an affected output pixel, for pixels in the middle, in the corners, and next to them."""
    run, farthest = runner(model), 0
    for place in (SIDE // 2, SIDE // 2 + 1, SIDE // 2 + 2, SIDE // 2 + 3, 0, 1, SIDE - 2, SIDE - 1):
        image = np.zeros((1, 1, SIDE, SIDE), np.float32)
        image[0, 0, place, place] = 1
        output = run(image)
        scale = output.shape[2] // SIDE
        for axis in (2, 3):
            touched = np.unique(np.nonzero(output)[axis]) // scale
            farthest = max(farthest, *np.abs(touched - place), 0)
    return int(farthest)


def channels_last(network: NetworkBuilder) -> NetworkBuilder:
    return network.add("Transpose", perm=[0, 2, 3, 1])


Layer = Callable[[NetworkBuilder], NetworkBuilder]

CONVOLUTIONS: list[Layer] = [
    lambda n: n.convolve(1),
    lambda n: n.convolve(3),
    lambda n: n.convolve(5).add("Relu"),
    lambda n: n.convolve(3, dilations=[2, 2]),
    lambda n: n.convolve(3, auto_pad="SAME_UPPER").add("Sigmoid").add("Sub", n.constant(np.array(0.5, np.float32))),
]
OTHERS: list[Layer] = [
    lambda n: n.convolve(4, auto_pad="SAME_UPPER"),
    lambda n: n.convolve(4, auto_pad="SAME_LOWER"),
    lambda n: n.add("MaxPool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    lambda n: n.add("AveragePool", kernel_shape=[2, 2], pads=[0, 0, 1, 1]),
    lambda n: n.convolve(3, strides=[2, 2]).transpose(4),
    lambda n: n.convolve(3, strides=[2, 2], auto_pad="SAME_UPPER").transpose(2),
    lambda n: n.convolve(2, 4 * CHANNELS, strides=[2, 2], pads=[0] * 4).shuffle(),
    lambda n: n.convolve(1, 4 * CHANNELS).shuffle().convolve(3).unshuffle().convolve(1),
    lambda n: n.unshuffle().convolve(3, 4 * CHANNELS).shuffle(),
    lambda n: n.halve().convolve(3).resize(2, mode="linear"),
    lambda n: n.halve().convolve(3).resize(2, mode="cubic", coordinate_transformation_mode="asymmetric"),
    lambda n: n.resize(0.5, mode="linear", antialias=1).resize(2, mode="nearest"),
    lambda n: n.resize(0.5, mode="cubic", antialias=1).transpose(2),
    lambda n: n.resize(0.5, nearest_mode="ceil").resize(2, nearest_mode="floor"),
    lambda n: n.resize(1.5, mode="linear").convolve(3).resize(2 / 3, mode="linear"),
    lambda n: n.pad(1, "reflect").convolve(3, pads=[0] * 4),
    lambda n: n.pad(2, "edge").convolve(5, pads=[0] * 4),
    lambda n: n.convolve(1).add("Gather", n.constant(np.array([2, 0, 1, 3])), axis=1).convolve(3),
    lambda n: channels_last(n.convolve(3)).add("Relu").add("Transpose", perm=[0, 3, 1, 2]).convolve(3),
    lambda n: (
        channels_last(n).add("Concat", n.current, axis=3).add("Transpose", perm=[0, 3, 1, 2]).double().convolve(3)
    ),
    lambda n: channels_last(n.convolve(3)).add("Transpose", perm=[0, 3, 1, 2]),
]
ENLARGEMENTS: list[Layer] = [
    lambda n: n,
    lambda n: n.convolve(3, 4).shuffle(),
    lambda n: n.resize(2, coordinate_transformation_mode="asymmetric", nearest_mode="floor").convolve(3),
    lambda n: n.resize(3, mode="linear"),
    lambda n: n.resize(2, mode="cubic"),
    lambda n: n.transpose(4),
]


def built(layers: list[Layer]) -> onnx.ModelProto:
    network = NetworkBuilder().convolve(1)
    for layer in layers:
        layer(network)
    return network.model()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(CONVOLUTIONS), max_size=4))
def test_the_radius_of_a_stack_of_convolutions_is_exact(layers: list[Layer]) -> None:
    model = built(layers)
    assert receptive_field_radius(model) == observed(model)


@given(st.lists(st.sampled_from(CONVOLUTIONS + OTHERS), max_size=3), st.sampled_from(ENLARGEMENTS))
def test_no_pixel_affects_others_beyond_the_radius(layers: list[Layer], enlargement: Layer) -> None:
    model = built([*layers, enlargement])
    found = receptive_field_radius(model)
    assert found is not None
    assert observed(model) <= found


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(CONVOLUTIONS + OTHERS), max_size=2), st.sampled_from(ENLARGEMENTS), st.integers(1, 4))
def test_a_part_is_upscaled_as_within_the_complete_image(layers: list[Layer], enlargement: Layer, steps: int) -> None:
    model = built([*layers, enlargement])
    run, edge, begin = runner(model), receptive_field_radius(model), steps * stride(model)
    assert edge is not None
    image = np.random.default_rng(0).random((1, 1, 64 + begin, 64 + begin), np.float32)
    complete, part = run(image), run(image[:, :, begin:, begin:])
    scale = part.shape[2] // 64
    inner = slice(scale * edge, None)
    expected = complete[:, :, scale * begin :, scale * begin :][:, :, inner, inner]
    np.testing.assert_allclose(part[:, :, inner, inner], expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (lambda n: n.convolve(3).convolve(1, 4).shuffle(), 1),
        (lambda n: n.convolve(3, strides=[2, 2]).transpose(4), 2),
        (lambda n: n.unshuffle().unshuffle().shuffle().shuffle(), 4),
        (lambda n: n.resize(1.5).convolve(3).resize(2 / 3), 2),
    ],
)
def test_the_stride_is_that_of_the_coarsest_grid(layer: Layer, expected: int) -> None:
    assert stride(built([layer])) == expected


@pytest.mark.parametrize("layer", OTHERS + ENLARGEMENTS)
def test_the_radius_of_each_operator_is_close_to_the_measured_one(layer: Layer) -> None:
    model = built([layer])
    found = receptive_field_radius(model)
    assert found is not None
    assert observed(model) <= found <= observed(model) + 2


def test_padding_and_cropping_do_not_change_the_radius() -> None:
    network = NetworkBuilder().pad(8, "constant").convolve(3)
    ends = [network.constant(np.array(v)) for v in ([8, 8], [8 + SIDE, 8 + SIDE], [2, 3])]
    model = network.add("Slice", *ends).model()
    assert receptive_field_radius(model) == observed(model) == 1


def test_the_radius_is_that_of_the_longer_path() -> None:
    network = NetworkBuilder().convolve(3).convolve(3)
    model = network.add("Add", "input").model()
    assert receptive_field_radius(model) == observed(model) == 2


def test_values_computed_from_the_size_do_not_count() -> None:
    network = NetworkBuilder().convolve(3)
    network.nodes.append(helper.make_node("Shape", ["input"], ["shape"]))
    network.nodes.append(helper.make_node("Cast", ["shape"], ["sizes"], to=TensorProto.FLOAT))
    network.nodes.append(helper.make_node("ReduceMax", ["sizes"], ["largest"], keepdims=0))
    model = network.add("Mul", "largest").model()
    assert receptive_field_radius(model) == observed(model) == 1


@pytest.mark.parametrize(
    "layer",
    [
        lambda n: n.add("GlobalAveragePool").add("Mul", "input"),
        lambda n: n.add(
            "InstanceNormalization", n.constant(np.ones(1, np.float32)), n.constant(np.ones(1, np.float32))
        ),
        lambda n: n.add("Softmax"),
        lambda n: n.add("MatMul", n.constant(np.ones((SIDE, SIDE), np.float32))),
        lambda n: n.add("Transpose", perm=[0, 1, 3, 2]),
        lambda n: channels_last(n).add("Transpose", perm=[0, 2, 3, 1]),
        lambda n: channels_last(n).add("Concat", n.current, axis=1),
        lambda n: channels_last(n).add("Add", "input"),
        lambda n: channels_last(n).add("MaxPool", kernel_shape=[2, 2]),
        lambda n: n.add("Gather", n.constant(np.arange(SIDE)[::-1].copy()), axis=2),
        lambda n: n.add("Gather", n.constant(np.array(0)), axis=1),
        lambda n: n.add("Gather", "input", axis=1),
        lambda n: n.add("Reshape", n.constant(np.array([1, 1, SIDE // 2, 2 * SIDE]))),
        lambda n: n.add("Concat", "input", axis=2),
        lambda n: n.add(
            "Slice", n.constant(np.array([-SIDE])), n.constant(np.array([SIDE])), n.constant(np.array([3]))
        ),
        lambda n: n.add("Slice", n.constant(np.array([0])), n.constant(np.array([1])), n.constant(np.array([2]))),
        lambda n: n.resize(2, mode="linear", coordinate_transformation_mode="align_corners"),
        lambda n: n.resize(0.5).add("Add", n.constant(np.ones(1, np.float32))),
        lambda n: n.add("Conv", "input"),
        lambda n: n.add("Relu", domain="elsewhere"),
    ],
)
def test_operators_that_mix_the_image_or_are_unknown_have_no_radius(layer: Layer) -> None:
    network = NetworkBuilder()
    layer(network)
    assert receptive_field_radius(network.model()) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    ("name", "expected"), [("identity", 0), ("srvgg-24x8", 10), ("srvgg-64x16", 18), ("clear-x2", 8)]
)
def test_the_radius_of_named_networks_is_their_number_of_3x3_convolutions(
    name: str, expected: int, dtype: type[np.floating]
) -> None:
    assert catalogue.find(name, dtype).receptive_field_radius == expected


def test_the_radius_of_nearest_neighbour_is_0() -> None:
    assert receptive_field_radius(synthetic.nearest(np.float32)) == 0
