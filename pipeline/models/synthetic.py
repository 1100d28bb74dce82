"""Generated networks: identity and nearest neighbour for exact tests, SRVGG with random weights for speed tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
