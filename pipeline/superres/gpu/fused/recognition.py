"""Conversion of an ONNX graph to the chain of layers that the fused kernels run; chain.py lists what is supported."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.superres.gpu.fused.chain import (
    SCALES,
    WIDTHS,
    ChainLayer,
    ConvolutionChain,
    Epilogue,
    Residual,
    UnknownStructure,
    with_slopes_up_to_one,
)

if TYPE_CHECKING:
    import onnx

_CONVOLUTION = {  # attributes of the supported convolutions: ONNX's defaults, except the padding
    "strides": [1, 1],
    "pads": [1, 1, 1, 1],
    "dilations": [1, 1],
    "group": 1,
    "auto_pad": b"NOTSET",
}


def recognise(model: onnx.ModelProto) -> ConvolutionChain:
    """Convert `model` to a chain. Raises UnknownStructure, which names the part that is not supported."""
    return _GraphReader(model.graph).chain()


@dataclass
class _LayerDrafts:
    """The layers read so far.

    Attributes:
        uses: Number of operators that read each tensor.
        layers: The layers, in order.
        activated: For each layer, whether its activation was read.
        features: For each tensor that is the output of a layer as read so far, the layer's index.
    """

    uses: Counter[str]
    layers: list[ChainLayer] = field(default_factory=list)
    activated: list[bool] = field(default_factory=list)
    features: dict[str, int] = field(default_factory=dict)

    def add(self, output: str, weight: NDArray[Any], bias: NDArray[Any]) -> None:
        """Add a convolution whose output is tensor `output`."""
        if weight.ndim != 4 or weight.shape[2:] != (3, 3):
            raise UnknownStructure(f"a convolution with weights of shape {weight.shape}, not (outputs, inputs, 3, 3)")
        self.features[output] = len(self.layers)
        self.layers.append(ChainLayer(_float32(weight), _float32(bias), np.ones(len(weight), np.float32)))
        self.activated.append(False)

    def activate(self, output: str, source: str, **changes: Any) -> None:
        """Append an activation, whose output is tensor `output`, to the layer whose output is tensor `source`."""
        index = self.sole(source, "an activation")
        if self.is_finished(index):
            raise UnknownStructure("an activation that does not follow a convolution")
        self.change(index, output, **changes)
        self.activated[index] = True

    def join(self, output: str, source: str, operand: str, epilogue: Epilogue, uses: int) -> None:
        """Append an epilogue that reads `operand` to the layer whose output `source` is read by `uses` operators."""
        index, earlier = self.features[source], self.features.get(operand)
        is_joined = self.layers[index].epilogue != "none"
        if earlier is None or earlier >= index or self.uses[source] != uses or is_joined:
            raise UnknownStructure("layers that are joined in another way than by one addition or gate each")
        self.change(index, output, epilogue=epilogue, operand=earlier)

    def change(self, index: int, output: str, **changes: Any) -> None:
        """Change a layer, whose output is tensor `output` from now on."""
        self.layers[index] = replace(self.layers[index], **changes)
        self.features[output] = index

    def sole(self, name: str, reader: str) -> int:
        """The index of the layer whose output is tensor `name`, which only `reader` may read."""
        if name not in self.features or self.uses[name] > 1:
            raise UnknownStructure(f"{reader} of a tensor that is no layer's, or is read elsewhere too")
        return self.features[name]

    def is_finished(self, index: int) -> bool:
        """True if a layer's activation or epilogue was read."""
        return self.activated[index] or self.layers[index].epilogue != "none"

    def outputs_of(self, name: str) -> int:
        """The number of channels of the layer whose output is tensor `name`."""
        if name not in self.features:
            raise UnknownStructure("an activation that does not follow a convolution")
        return len(self.layers[self.features[name]].bias)


@dataclass
class _LayerReader:
    """Reads the operators of layers: convolutions, activations and gates.

    Attributes:
        graph: The graph.
        sigmoids: For each tensor sigmoid(y), the tensor y.
        centred: For each tensor sigmoid(y) - 0.5, the tensor y.
        sums: For each sum of two layers' outputs, the later and the earlier one.
    """

    graph: onnx.GraphProto
    sigmoids: dict[str, str] = field(default_factory=dict)
    centred: dict[str, str] = field(default_factory=dict)
    sums: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        import onnx

        graph = self.graph
        self.constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant" and len(node.attribute) == 1 and node.attribute[0].name == "value":
                self.constants[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
        images = [tensor.name for tensor in graph.input if tensor.name not in self.constants]
        if len(images) != 1 or len(graph.output) != 1:
            raise UnknownStructure(f"{len(images)} inputs and {len(graph.output)} outputs, not one of each")
        self.image = images[0]
        self._aliases: dict[str, str] = {}  # outputs of Identity, which ONNX lists before the operators that read them
        for node in graph.node:
            if node.op_type == "Identity":
                self._aliases[node.output[0]] = self.resolved(node.input[0])
        operators = (node for node in graph.node if node.op_type != "Identity")
        self.drafts = _LayerDrafts(Counter(self.resolved(name) for node in operators for name in node.input))

    def resolved(self, name: str) -> str:
        """The tensor `name`, or the one that it is a copy of."""
        return self._aliases.get(name, name)

    def _read_conv(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        weight = self._constant(inputs[1], "a convolution's weights")
        actual = _CONVOLUTION | {"pads": [0, 0, 0, 0]} | attributes
        for name, required in _CONVOLUTION.items():
            if weight.shape[2:] == (3, 3) and actual[name] != required:
                raise UnknownStructure(f"a convolution with {name} {actual[name]}, not {required}")
        layers = self.drafts.layers
        if inputs[0] == self.image:
            if layers:
                raise UnknownStructure("a second convolution that reads the image")
        elif self.drafts.features.get(inputs[0]) != len(layers) - 1:
            raise UnknownStructure("a convolution that does not read the layer before it")
        bias = self._constant(inputs[2], "a bias") if len(inputs) > 2 and inputs[2] else np.zeros(len(weight))
        self.drafts.add(node.output[0], weight, bias)

    def _read_prelu(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        slope = self._constant(inputs[1], "slopes of PReLU")
        outputs = self.drafts.outputs_of(inputs[0])
        if slope.size not in (1, outputs) or (slope.size > 1 and slope.shape[-2:] != (1, 1) and outputs > 1):
            raise UnknownStructure(f"slopes of PReLU of shape {slope.shape} for {outputs} channels")
        self.drafts.activate(node.output[0], inputs[0], slope=np.broadcast_to(_float32(slope).ravel(), outputs).copy())

    def _read_leakyrelu(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        slope = np.full(self.drafts.outputs_of(inputs[0]), attributes.get("alpha", 0.01), np.float32)
        self.drafts.activate(node.output[0], inputs[0], slope=slope)

    def _read_relu(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        self.drafts.activate(node.output[0], inputs[0], slope=np.zeros(self.drafts.outputs_of(inputs[0]), np.float32))

    def _read_sigmoid(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        self.drafts.outputs_of(inputs[0])
        self.sigmoids[node.output[0]] = inputs[0]

    def _read_sub(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        self._centre(node, inputs, 0.5)

    def _centre(self, node: onnx.NodeProto, inputs: list[str], half: float) -> None:
        if inputs[0] not in self.sigmoids or self._constant(inputs[1], "an operand").ravel().tolist() != [half]:
            raise UnknownStructure(f"a {node.op_type} that is not part of a gate")
        self.centred[node.output[0]] = self.sigmoids[inputs[0]]

    def _read_mul(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        for one, other in (inputs, inputs[::-1]):
            if self.sigmoids.get(other) == one and self.drafts.uses[other] == 1 and self.drafts.uses[one] == 2:
                self.drafts.uses[one] = 1  # read by its own activation alone
                self.drafts.activate(node.output[0], one, smooth=True)
                return
            if other in self.centred and one in self.sums and self.centred[other] in self.sums[one]:
                gated = self.centred[other]
                operand = next(name for name in self.sums[one] if name != gated)
                self.drafts.join(node.output[0], gated, operand, "gate", uses=2)
                return
        raise UnknownStructure("a Mul that is neither SiLU nor a gate")

    def _constant(self, name: str, what: str) -> NDArray[Any]:
        if name not in self.constants:
            raise UnknownStructure(f"{what} that is computed, not constant")
        value: NDArray[Any] = self.constants[name]
        return value


@dataclass
class _GraphReader(_LayerReader):
    """Reads all operators in order, with the pixel shuffle and the enlarged image that is added to its output.

    Attributes:
        enlarged: For each tensor that is the enlarged image, the interpolation and the scale.
        copies: For each tensor of concatenated copies of the image, the scale whose square is their number.
        shuffled: For each tensor that is the output of the pixel shuffle, its scale and the residual in it.
        copies_added: The layer to which copies of the image are added, as (index, scale); None if there is none.
    """

    enlarged: dict[str, tuple[Residual, int]] = field(default_factory=dict)
    copies: dict[str, int] = field(default_factory=dict)
    shuffled: dict[str, tuple[int, Residual]] = field(default_factory=dict)
    copies_added: tuple[int, int] | None = None

    def chain(self) -> ConvolutionChain:
        for node in self.graph.node:
            if node.op_type in ("Constant", "Identity"):
                continue
            read = getattr(self, f"_read_{node.op_type.lower()}", None)
            if read is None or node.domain not in ("", "ai.onnx"):
                raise UnknownStructure(f"an operator {node.op_type}")
            read(node, [self.resolved(name) for name in node.input], _attributes(node))
        return self._finished(self.resolved(self.graph.output[0].name))

    def _read_add(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        for one, other in (inputs, inputs[::-1]):
            if other in self.constants and one in self.sigmoids:
                self._centre(node, [one, other], -0.5)
                return
            if other in self.copies and one in self.drafts.features:
                index = self.drafts.sole(one, "the sum with the image")
                if self.copies_added is not None or self.drafts.is_finished(index):
                    raise UnknownStructure("copies of the image that are not added to one convolution's output")
                self.copies_added = index, self.copies[other]
                self.drafts.features[node.output[0]] = index
                return
            if one in self.shuffled and other in self.enlarged:
                scale, present = self.shuffled[one]
                residual, enlarged_by = self.enlarged[other]
                if scale != enlarged_by or present != "none":
                    raise UnknownStructure("an image added twice, or of another size")
                self.shuffled[node.output[0]] = scale, residual
                return
        if not all(name in self.drafts.features for name in inputs):
            raise UnknownStructure("an Add of tensors that are neither layers nor the image")
        later, earlier = sorted(inputs, key=lambda name: self.drafts.features[name], reverse=True)
        if self.drafts.uses[later] > 1:  # the sum of a gate: (x + y) beside sigmoid(y)
            self.sums[node.output[0]] = (later, earlier)
            return
        self.drafts.join(node.output[0], later, earlier, "add", uses=1)

    def _read_depthtospace(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        index, scale = self.drafts.sole(inputs[0], "a pixel shuffle"), int(attributes["blocksize"])
        layer = self.drafts.layers[index]
        outputs = len(layer.bias)
        if scale not in SCALES or outputs % scale**2:
            raise UnknownStructure(f"a pixel shuffle of {outputs} channels by {scale}")
        depth_first = attributes.get("mode", b"DCR") == b"DCR"
        if self.copies_added is not None and not (depth_first and self.copies_added == (index, scale)):
            raise UnknownStructure("copies of the image in another order, or elsewhere, than the pixel shuffle's input")
        if depth_first:  # its order is (row, column, plane)
            order = np.arange(outputs).reshape(scale, scale, -1).transpose(2, 0, 1).ravel()
            layer = replace(layer, weight=layer.weight[order], bias=layer.bias[order], slope=layer.slope[order])
        self.drafts.layers[index] = layer
        self.shuffled[node.output[0]] = scale, "nearest" if self.copies_added else "none"

    def _read_concat(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        scale = round(len(inputs) ** 0.5)
        if set(inputs) != {self.image} or attributes.get("axis") != 1 or scale**2 != len(inputs):
            raise UnknownStructure("a Concat of tensors other than copies of the image")
        self.copies[node.output[0]] = scale

    def _read_resize(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        scales = self._constant(inputs[2] if len(inputs) > 2 else "", "the scales of a Resize").ravel()
        is_whole = scales.size == 4 and scales[2] in SCALES and scales.tolist() == [1, 1, scales[2], scales[2]]
        if inputs[0] != self.image or not is_whole:
            raise UnknownStructure("a Resize that does not enlarge the image by a whole number up to 4")
        mode, how = attributes.get("mode", b"nearest"), attributes.get("coordinate_transformation_mode", b"half_pixel")
        rounding = attributes.get("nearest_mode", b"round_prefer_floor")
        rounds = how == b"half_pixel" and rounding.startswith(b"round")
        repeats = rounds or (how == b"asymmetric" and rounding == b"floor")
        if mode == b"nearest" and repeats:
            self.enlarged[node.output[0]] = "nearest", int(scales[2])
        elif mode == b"linear" and how in (b"half_pixel", b"pytorch_half_pixel"):
            self.enlarged[node.output[0]] = "bilinear", int(scales[2])
        else:
            raise UnknownStructure(f"a Resize with mode {mode.decode()} and {how.decode()} coordinates")

    def _finished(self, output: str) -> ConvolutionChain:
        if output in self.shuffled:
            scale, residual = self.shuffled[output]
        elif self.copies_added and self.drafts.features.get(output) == len(self.drafts.layers) - 1:
            raise UnknownStructure("an output without a pixel shuffle")
        else:
            raise UnknownStructure("an output that is not that of a pixel shuffle")
        layers = tuple(self.drafts.layers)
        if len(layers) < 2:
            raise UnknownStructure(f"{len(layers)} convolutions, not two or more")
        width, planes = len(layers[0].bias), layers[0].weight.shape[1]
        shapes = [(width, width)] * len(layers)
        shapes[0], shapes[-1] = (width, planes), (planes * scale**2, width)
        if planes not in (1, 3) or width not in WIDTHS or [layer.weight.shape[:2] for layer in layers] != shapes:
            raise UnknownStructure(f"layers that are not all of one width from {WIDTHS[0]} to {WIDTHS[-1]}")
        last = layers[-1]
        if last.smooth or last.epilogue != "none" or (last.slope != 1).any():
            raise UnknownStructure("an activation after the last convolution")
        return ConvolutionChain(with_slopes_up_to_one(layers), planes, scale, residual)


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    import onnx

    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {name: list(value) if isinstance(value, tuple | list) else value for name, value in values.items()}


def _float32(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)
