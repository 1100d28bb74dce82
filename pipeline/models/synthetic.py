"""Generated networks: identity and nearest neighbour for exact tests, SRVGG and SPAN with random weights for speed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

VERSION = 2  # raise it when a generated network changes, since generated files are cached
_OPSET = 17
_IR_VERSION = 8


def identity(dtype: type[np.floating], channels: int = 3) -> onnx.ModelProto:
    """A network of scale 1 whose output is its input.

    Args:
        dtype: Type of the tensors, float16 or float32.
        channels: 3, or 1 for luma.
    """
    import onnx

    node = onnx.helper.make_node("Identity", ["input"], ["output"])
    description = "returns its input: tests everything around a network"
    return _model([node], [], 1, dtype, _named("identity", channels), description, channels)


def nearest(dtype: type[np.floating], scale: int = 2, channels: int = 3) -> onnx.ModelProto:
    """A network that repeats each pixel: the simplest upscaler with a known output.

    Args:
        dtype: Type of the tensors, float16 or float32.
        scale: How often each pixel is repeated in each direction.
        channels: 3, or 1 for luma.
    """
    import onnx

    factors = onnx.numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "factors")
    name = _named(f"nearest-x{scale}", channels)
    return _model([_enlarge("output", "factors")], [factors], scale, dtype, name, channels=channels)


def _named(name: str, channels: int) -> str:
    return name if channels == 3 else f"{name}-luma"


def srvgg(
    features: int, convolutions: int, dtype: type[np.floating], scale: int = 2, channels: int = 3
) -> onnx.ModelProto:
    """SRVGGNetCompact, the video network of Real-ESRGAN, with random weights that preserve the image's energy.

    The layers are a 3x3 convolution to `features` channels and `convolutions` more, each followed by PReLU; a 3x3
    convolution to channels * scale² channels; a pixel shuffle; and the addition of the nearest-neighbour image.

    Args:
        features: Channels of the inner layers.
        convolutions: Number of inner convolutions.
        dtype: Type of weights and tensors, float16 or float32.
        scale: Factor by which width and height grow.
        channels: 3, or 1 for luma.
    """
    import onnx

    weights = _RandomWeights(dtype)
    nodes: list[onnx.NodeProto] = []
    current = "input"
    for index in range(convolutions + 1):
        nodes.append(weights.convolution(current, index, features if index else channels, features, gain=1.4))
        slope = weights.constant(f"slope{index}", np.full((features, 1, 1), 0.1))
        nodes.append(onnx.helper.make_node("PRelu", [f"conv{index}", slope], [f"act{index}"]))
        current = f"act{index}"
    nodes.append(weights.convolution(current, convolutions + 1, features, channels * scale * scale, gain=0.05))
    detail = f"conv{convolutions + 1}"
    nodes.append(onnx.helper.make_node("DepthToSpace", [detail], ["detail"], blocksize=scale, mode="CRD"))
    factors = onnx.numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "factors")
    nodes.append(_enlarge("base", "factors"))
    nodes.append(onnx.helper.make_node("Add", ["detail", "base"], ["output"]))
    name = _named(f"srvgg-{features}x{convolutions}", channels)
    return _model(nodes, [*weights.tensors, factors], scale, dtype, name, channels=channels)


def span(features: int, blocks: int, dtype: type[np.floating], scale: int = 2) -> onnx.ModelProto:
    """SPAN (Swift Parameter-free Attention Network, CVPR workshops 2024) as it is deployed, with random weights.

    Its training branches are merged into 3x3 convolutions. The image, less its mean and times 255, is widened to
    `features` channels. A block is three convolutions, with SiLU after the first two; its output is
    (x + y) * (sigmoid(y) - 0.5) for the block's input x and the third convolution's output y. A 1x1 convolution reads
    four tensors: the widened image, a convolution of the last block's output, the first block's output, and the last
    block's first convolution after its SiLU. A 3x3 convolution and a pixel shuffle follow.

    Args:
        features: Channels of the inner layers.
        blocks: Number of blocks.
        dtype: Type of weights and tensors, float16 or float32.
        scale: Factor by which width and height grow.
    """
    graph = _RandomGraph(dtype)
    mean = graph.constant("mean", np.array([0.4488, 0.4371, 0.4040]).reshape(1, 3, 1, 1))
    image = graph.apply("Mul", graph.apply("Sub", "input", mean), graph.constant("range", np.array(255)))
    half = graph.constant("half", np.array(0.5))
    current = wide = graph.convolve(image, 3, features, gain=1 / 64)
    outputs, inner = [], wide
    for _ in range(blocks):
        inner = graph.silu(graph.convolve(current, features, features, gain=1.4))
        y = graph.silu(graph.convolve(inner, features, features, gain=1.7))
        y = graph.convolve(y, features, features, gain=1.4, bias=2)  # at 0, the gate would close
        gate = graph.apply("Sub", graph.apply("Sigmoid", y), half)
        current = graph.apply("Mul", graph.apply("Add", y, current), gate)
        outputs.append(current)
    last = graph.convolve(current, features, features, gain=1)
    joined = graph.apply("Concat", wide, last, outputs[0], inner, axis=1)
    merged = graph.convolve(joined, 4 * features, features, gain=1, size=1)
    detail = graph.convolve(merged, features, 3 * scale * scale, gain=0.2)
    graph.apply("DepthToSpace", detail, output="output", blocksize=scale, mode="CRD")
    return _model(graph.nodes, graph.tensors, scale, dtype, f"span-{features}x{blocks}")


class _RandomWeights:
    """Weights of convolutions, the same each time."""

    def __init__(self, dtype: type[np.floating]) -> None:
        self.tensors: list[onnx.TensorProto] = []
        self._dtype = dtype
        self._rng = np.random.default_rng(0)

    def constant(self, name: str, values: np.ndarray) -> str:
        """Add a tensor, and return its name."""
        import onnx

        self.tensors.append(onnx.numpy_helper.from_array(values.astype(self._dtype), name))
        return name

    def convolution(self, source: str, index: int, inputs: int, outputs: int, gain: float) -> onnx.NodeProto:
        """A 3x3 convolution from `source` to conv{index}; `gain` is the ratio of the outputs' energy to the inputs'."""
        import onnx

        kernel = self._rng.standard_normal((outputs, inputs, 3, 3)) * gain / np.sqrt(9 * inputs)
        names = [
            source,
            self.constant(f"kernel{index}", kernel),
            self.constant(f"bias{index}", np.zeros(outputs)),
        ]
        return onnx.helper.make_node("Conv", names, [f"conv{index}"], pads=[1, 1, 1, 1], kernel_shape=[3, 3])


class _RandomGraph(_RandomWeights):
    """Operators with random weights, each added by one call that returns the name of its output."""

    def __init__(self, dtype: type[np.floating]) -> None:
        super().__init__(dtype)
        self.nodes: list[onnx.NodeProto] = []

    def apply(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add an operator."""
        import onnx

        output = output or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, inputs, [output], **attributes))
        return output

    def silu(self, source: str) -> str:
        """x * sigmoid(x)."""
        return self.apply("Mul", source, self.apply("Sigmoid", source))

    def convolve(self, source: str, inputs: int, outputs: int, gain: float, size: int = 3, bias: float = 0) -> str:
        """Add a convolution; its biases are `bias` or its negative, at random."""
        index = len(self.nodes)
        kernel = self._rng.standard_normal((outputs, inputs, size, size)) * gain / (size * np.sqrt(inputs))
        biases = bias * self._rng.choice([-1, 1], outputs)
        names = source, self.constant(f"kernel{index}", kernel), self.constant(f"bias{index}", biases)
        return self.apply("Conv", *names, pads=[size // 2] * 4, kernel_shape=[size, size])


def _enlarge(output: str, factors: str) -> onnx.NodeProto:
    import onnx

    return onnx.helper.make_node(
        "Resize",
        ["input", "", factors],
        [output],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _model(
    nodes: list[onnx.NodeProto],
    weights: list[onnx.TensorProto],
    scale: int,
    dtype: type[np.floating],
    name: str,
    description: str = "",
    channels: int = 3,
) -> onnx.ModelProto:
    import onnx

    code = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    sizes = ["height", "width"]
    enlarged = sizes if scale == 1 else [f"{scale}*{size}" for size in sizes]
    source = onnx.helper.make_tensor_value_info("input", code, [1, channels, *sizes])
    output = onnx.helper.make_tensor_value_info("output", code, [1, channels, *enlarged])
    graph = onnx.helper.make_graph(nodes, name, [source], [output], weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.helper.set_model_props(
        model, {"uprez.name": name, "uprez.licence": "Apache-2.0", "uprez.description": description}
    )
    onnx.checker.check_model(model, full_check=True)
    return model
