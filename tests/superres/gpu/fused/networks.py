"""Small networks of the families that the fused kernels know, as ONNX; and a stack's arithmetic in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from pipeline.superres.gpu.fused.stack import ConvolutionStack

Names = list[str]


class Builder:
    """Adds operators to a graph, each by one call that returns the name of its output."""

    def __init__(self, planes: int = 3, seed: int = 0) -> None:
        self.planes = planes
        self._rng = np.random.default_rng(seed)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: Any) -> str:
        name = f"constant{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def indices(self, values: list[int]) -> str:
        name = f"indices{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(values, np.int64), name))
        return name

    def conv(self, source: str, inputs: int, outputs: int, size: int = 3, pads: int = 1, **attributes: Any) -> str:
        weight = self._rng.standard_normal((outputs, inputs, size, size)) / np.sqrt(size * size * inputs)
        bias = 0.1 * self._rng.standard_normal(outputs)
        names = source, self.constant(weight), self.constant(bias)
        return self.node("Conv", *names, kernel_shape=[size, size], pads=[pads] * 4, **attributes)

    def relu(self, source: str, width: int) -> str:
        return self.node("Relu", source)

    def prelu(self, source: str, width: int, low: float = -0.3, high: float = 1.6) -> str:
        return self.node("PRelu", source, self.constant(self._rng.uniform(low, high, (width, 1, 1))))

    def silu(self, source: str, width: int) -> str:
        return self.node("Mul", source, self.node("Sigmoid", source))

    def gate(self, x: str, y: str) -> str:
        """SPAN's (x + y) * (sigmoid(y) - 0.5)."""
        centred = self.node("Sub", self.node("Sigmoid", y), self.constant(0.5))
        return self.node("Mul", self.node("Add", y, x), centred)

    def enlarged(self, scale: int, **attributes: Any) -> str:
        return self.node("Resize", "input", "", self.constant([1, 1, scale, scale]), **attributes)

    def model(self, output: str, scale: int) -> onnx.ModelProto:
        last = next(node for node in self._nodes if node.output[0] == output)
        last.output[0] = "output"
        shapes = [1, self.planes, "h", "w"], [1, self.planes, f"{scale}*h", f"{scale}*w"]
        values = [
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
            for name, shape in zip(("input", "output"), shapes, strict=True)
        ]
        graph = helper.make_graph(self._nodes, "network", values[:1], values[1:], self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


Activation = Callable[[Builder, str, int], str]
NEAREST = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
BILINEAR = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}


def body(b: Builder, width: int, inner: int, activation: Activation) -> str:
    """The image widened, and `inner` layers of one width, each with the activation."""
    current = "input"
    for index in range(inner + 1):
        current = activation(b, b.conv(current, width if index else b.planes, width), width)
    return current


def stack_network(
    width: int = 8,
    inner: int = 2,
    scale: int = 2,
    planes: int = 3,
    activation: Activation = Builder.prelu,
    residual: dict[str, Any] | None = None,
    mode: str = "CRD",
) -> onnx.ModelProto:
    """A stack with a pixel shuffle, over the image enlarged as `residual` says, or over nothing."""
    b = Builder(planes)
    tail = b.conv(body(b, width, inner, activation), width, planes * scale**2)
    output = b.node("DepthToSpace", tail, blocksize=scale, mode=mode)
    return b.model(output if residual is None else b.node("Add", output, b.enlarged(scale, **residual)), scale)


def reduced_network(width: int = 8, scale: int = 4, factor: float = 0.5, **attributes: Any) -> onnx.ModelProto:
    """A stack over the repeated image, whose output is reduced, as in Real-ESRGAN's animevideov3 for x2."""
    b = Builder()
    shuffled = b.node("DepthToSpace", b.conv(body(b, width, 2, Builder.prelu), width, 3 * scale**2), blocksize=scale)
    summed = b.node("Add", shuffled, b.enlarged(scale, **NEAREST))
    options = {"mode": "cubic", "coordinate_transformation_mode": "half_pixel"} | attributes
    factors = b.constant([1, 1, factor, factor])
    return b.model(b.node("Resize", summed, "", factors, **options), round(scale * factor))


def joined_network(width: int = 8) -> onnx.ModelProto:
    """Layers joined by an addition and by a gate."""
    b = Builder()
    first = b.conv("input", 3, width)
    second = b.silu(b.conv(first, width, width), width)
    third = b.node("Add", b.prelu(b.conv(second, width, width), width, high=0.9), first)
    fourth = b.gate(third, b.conv(b.silu(b.conv(third, width, width), width), width, width))
    return b.model(b.node("DepthToSpace", b.conv(fourth, width, 12), blocksize=2, mode="CRD"), 2)


def spanlike(b: Builder, width: int = 8, blocks: int = 2, scale: int = 2) -> onnx.ModelProto:
    """SPAN: gated blocks, and a 1x1 convolution of four earlier outputs."""
    image = b.node(
        "Mul", b.node("Sub", "input", b.constant(np.full((1, 3, 1, 1), [[[0.4]], [[0.5]], [[0.6]]]))), b.constant(4)
    )
    current = first = b.conv(image, 3, width)
    outputs, inner = [], first
    for _ in range(blocks):
        inner = b.silu(b.conv(current, width, width), width)
        current = b.gate(current, b.conv(b.silu(b.conv(inner, width, width), width), width, width))
        outputs.append(current)
    joined = b.node("Concat", first, b.conv(current, width, width), outputs[0], inner, axis=1)
    merged = b.conv(joined, 4 * width, width, size=1, pads=0)
    return b.model(b.node("DepthToSpace", b.conv(merged, width, 3 * scale**2), blocksize=scale, mode="CRD"), scale)


def merging_network(
    width: int = 8, images: int = 3, inner: int = 0, activation: Activation = Builder.prelu
) -> onnx.ModelProto:
    """A 1x1 convolution of the outputs of `images` layers, with an activation, then `inner` layers."""
    b = Builder()
    sources, current = [], "input"
    for index in range(images):
        current = b.prelu(b.conv(current, width if index else 3, width), width)
        sources.append(current)
    source = current if images == 1 else b.node("Concat", *sources, axis=1)
    merged = activation(b, b.conv(source, images * width, width, size=1, pads=0), width)
    for _ in range(inner):
        merged = activation(b, b.conv(merged, width, width), width)
    return b.model(b.node("DepthToSpace", b.conv(merged, width, 12), blocksize=2, mode="CRD"), 2)


def etds_network(scale: int = 2, mode: str = "CRD") -> onnx.ModelProto:
    """ETDS as it is deployed: ReLU, and a 1x1 convolution by which the output is limited to the range from 0 to 1."""
    b = Builder()
    spare = 1 if scale == 3 else 0  # its authors fill the channels up to a multiple of 4
    outputs = 3 * scale**2 + spare
    last = b.relu(b.conv(body(b, 16, 2, Builder.relu), 16, outputs), outputs)
    negated = b.constant(-np.eye(outputs)[:, :, None, None]), b.constant(np.ones(outputs))
    clipped = b.relu(b.node("Conv", last, *negated, kernel_shape=[1, 1]), outputs)
    if spare:
        clipped = b.node("Slice", clipped, *[b.indices(values) for values in ([0], [-1], [1], [1])])
    return b.model(b.node("DepthToSpace", clipped, blocksize=scale, mode=mode), scale)


def repeated_planes(b: Builder, count: int) -> str:
    """Each plane of the image `count` times in a row, as PyTorch exports repeat_interleave."""
    tiled = b.node("Tile", b.node("Unsqueeze", "input", b.indices([2])), b.indices([1, 1, count, 1, 1]))
    sizes = b.node("Slice", b.node("Shape", "input"), b.indices([2]), b.indices([4]), b.indices([0]))
    return b.node("Reshape", tiled, b.node("Concat", b.indices([1, 3 * count]), sizes, axis=0))


def ecbsr_of_rgb(mode: str = "CRD") -> onnx.ModelProto:
    """ECBSR of three planes, each of which is added to its own channels."""
    b = Builder()
    summed = b.node("Add", b.conv(body(b, 8, 2, Builder.prelu), 8, 12), repeated_planes(b, 4))
    return b.model(b.node("DepthToSpace", summed, blocksize=2, mode=mode), 2)


def normalised_network(*operators: tuple[str, bool, object]) -> onnx.ModelProto:
    """A stack whose image passes through operators with constants, each (kind, constant first, value)."""
    b = Builder()
    image = "input"
    for kind, is_first, value in operators:
        operands = [image, b.constant(value)]
        image = b.node(kind, *(operands[::-1] if is_first else operands))
    return b.model(b.node("DepthToSpace", b.conv(b.relu(b.conv(image, 3, 8), 8), 8, 12), blocksize=2), 2)


def copies(b: Builder, scale: int) -> str:
    """The image beside itself, scale * scale times."""
    return b.node("Concat", *["input"] * scale**2, axis=1)


def evaluated(stack: ConvolutionStack, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The output of `stack`, (1, C, scale H, scale W), for `image`, (1, C, H, W), in float64."""
    outputs: list[NDArray[np.float64]] = []
    current = image[0].astype(np.float64)
    for layer in stack.layers:
        source = np.concatenate([outputs[index] for index in layer.joined]) if layer.joined else current
        weight = layer.weight.astype(np.float64)
        if layer.ones_weight is not None:
            source = np.concatenate([source, np.ones_like(source[:1])])
            weight = np.concatenate([weight, layer.ones_weight[:, None]], axis=1)
        y = (pointwise if layer.joined else convolved)(source, weight) + layer.bias[:, None, None]
        y = y / (1 + np.exp(-y)) if layer.smooth else np.maximum(y, y * layer.slope[:, None, None])
        if layer.operand is not None:
            x = outputs[layer.operand]
            y = x + y if layer.epilogue == "add" else (x + y) * (1 / (1 + np.exp(-y)) - 0.5)
        outputs.append(y)
        current = y
    planes, s = stack.planes, stack.scale
    _, height, width = current.shape
    shuffled = current.reshape(planes, s, s, height, width).transpose(0, 3, 1, 4, 2).reshape(planes, s * height, -1)
    output = shuffled + enlarged(image[0], stack)
    output = output.clip(0, 1) if stack.clipped else output
    return np.asarray(reduced(output, float(stack.reduction))[None], np.float32)


def reduced(planes: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """(C, H, W) reduced by cubic convolution with a = -0.75 along both axes; the pixels at the edges are repeated."""
    if factor == 1:
        return planes
    rows, columns = (_cubic_matrix(length, factor) for length in planes.shape[1:])
    return np.asarray(np.einsum("yh,chw,xw->cyx", rows, planes, columns, optimize=True))


def _cubic_matrix(length: int, factor: float, a: float = -0.75) -> NDArray[np.float64]:
    """The weights of the samples of an axis in each sample of the reduced axis."""
    matrix = np.zeros((round(length * factor), length))
    for index, weights in enumerate(matrix):
        place = (index + 0.5) / factor - 0.5
        for sample in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            d = abs(place - sample)
            weight = (a + 2) * d**3 - (a + 3) * d**2 + 1 if d <= 1 else a * (d**3 - 5 * d**2 + 8 * d - 4)
            weights[min(max(sample, 0), length - 1)] += weight
    return matrix


def pointwise(planes: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """A 1x1 convolution: (I, H, W) → (O, H, W)."""
    return np.asarray(np.einsum("oi,ihw->ohw", weight[:, :, 0, 0], planes))


def convolved(planes: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """A 3x3 convolution, stride 1, zeros around: (I, H, W) → (O, H, W)."""
    _, height, width = planes.shape
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
    shifted = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.asarray(
        np.einsum("oit,tihw->ohw", weight.reshape(*weight.shape[:2], 9), np.stack(shifted), optimize=True)
    )


def enlarged(image: NDArray[np.float32], stack: ConvolutionStack) -> NDArray[np.float64]:
    """The residual: `image`, (C, H, W), enlarged as `stack` says; zero if it has none."""
    repeated = image.astype(np.float64).repeat(stack.scale, 1).repeat(stack.scale, 2)
    if stack.residual == "bilinear":
        return _lerp(_lerp(image.astype(np.float64), stack.scale, 1), stack.scale, 2)
    return repeated if stack.residual == "nearest" else np.zeros_like(repeated)


def _lerp(values: NDArray[np.float64], scale: int, axis: int) -> NDArray[np.float64]:
    length = values.shape[axis]
    place = ((np.arange(length * scale) + 0.5) / scale - 0.5).clip(0, length - 1)
    low = np.floor(place).astype(int)
    weight = np.expand_dims(place - low, tuple(range(1, values.ndim - axis)))
    high = np.minimum(low + 1, length - 1)
    return np.asarray(values.take(low, axis) * (1 - weight) + values.take(high, axis) * weight)


def repeating_network(scale: int, planes: int = 3, gain: float = 1) -> onnx.ModelProto:
    """A stack that repeats each pixel, times `gain`: by weights of the centre from each plane to its copies."""
    b = Builder(planes)
    widened, kept = np.zeros((8, planes, 3, 3)), np.zeros((8, 8, 3, 3))
    repeated = np.zeros((planes * scale**2, 8, 3, 3))
    for plane in range(planes):
        widened[plane, plane, 1, 1] = 1
        repeated[plane * scale**2 : (plane + 1) * scale**2, plane, 1, 1] = gain
    for channel in range(8):
        kept[channel, channel, 1, 1] = 1
    current = "input"
    for weight in (widened, kept, repeated):
        current = b.node("Conv", current, b.constant(weight), kernel_shape=[3, 3], pads=[1] * 4)
    return b.model(b.node("DepthToSpace", current, blocksize=scale, mode="CRD"), scale)
