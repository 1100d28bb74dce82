"""Conversion of an ONNX graph to the stack of layers that the fused kernels run; stack.py lists what is supported."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.superres.gpu.fused.image_reader import ImageCopies, ImageReader
from pipeline.superres.gpu.fused.layer_drafts import LayerDrafts
from pipeline.superres.gpu.fused.onnx_graph import OnnxGraph, as_float32, attributes_of
from pipeline.superres.gpu.fused.stack import (
    SCALES,
    WIDTHS,
    ConvolutionStack,
    Residual,
    StackLayer,
    UnknownStructure,
    with_padded_width,
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
_NO_PADS = {"pads": [0, 0, 0, 0]}
_REDUCTION = {  # attributes of the supported reductions: ONNX's defaults
    "coordinate_transformation_mode": b"half_pixel",
    "cubic_coeff_a": -0.75,
    "exclude_outside": 0,
    "antialias": 0,
}
_LARGEST_DENOMINATOR = 8


def recognise(model: onnx.ModelProto) -> ConvolutionStack:
    """Convert `model` to a stack. Raises UnknownStructure, which names the part that is not supported."""
    return _GraphReader(OnnxGraph(model)).stack()


@dataclass
class _LayerReader:
    """Reads the operators of layers: convolutions, activations and gates.

    Attributes:
        graph: The graph.
        sigmoids: For each tensor sigmoid(y), the tensor y.
        centred: For each tensor sigmoid(y) - 0.5, the tensor y.
        sums: For each sum of two layers' outputs, the later and the earlier one.
    """

    graph: OnnxGraph
    sigmoids: dict[str, str] = field(default_factory=dict)
    centred: dict[str, str] = field(default_factory=dict)
    sums: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.images = ImageReader(self.graph)
        self.drafts = LayerDrafts(self.graph.uses)

    def _read_conv(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        weight = self.graph.constant(inputs[1], "a convolution's weights")
        size = weight.shape[2:]
        if weight.ndim != 4 or size not in ((3, 3), (1, 1)):
            raise UnknownStructure(f"a convolution with weights of shape {weight.shape}, not (outputs, inputs, 3, 3)")
        actual = _CONVOLUTION | _NO_PADS | attributes
        for name, required in (_CONVOLUTION if size == (3, 3) else _CONVOLUTION | _NO_PADS).items():
            if actual[name] != required:
                raise UnknownStructure(f"a convolution with {name} {actual[name]}, not {required}")
        bias = self.graph.constant(inputs[2], "a bias") if len(inputs) > 2 and inputs[2] else np.zeros(len(weight))
        layers, fields = self.drafts.layers, dict[str, Any](weight=weight)
        if size == (1, 1):
            fields["joined"] = self.drafts.joined(inputs[0])
        elif inputs[0] in self.images.normalised:
            if layers:
                raise UnknownStructure("a second convolution that reads the image")
            fields = self.images.folded(inputs[0], weight)
        elif self.drafts.features.get(inputs[0]) != len(layers) - 1:
            raise UnknownStructure("a convolution that does not read the layer before it")
        self.drafts.add(node.output[0], bias=bias, **fields)

    def _read_prelu(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        slope = self.graph.constant(inputs[1], "slopes of PReLU")
        outputs = self.drafts.outputs_of(inputs[0])
        if slope.size not in (1, outputs) or (slope.size > 1 and slope.shape[-2:] != (1, 1) and outputs > 1):
            raise UnknownStructure(f"slopes of PReLU of shape {slope.shape} for {outputs} channels")
        slopes = np.broadcast_to(as_float32(slope).ravel(), outputs).copy()
        self.drafts.activate(node.output[0], inputs[0], slope=slopes)

    def _read_leakyrelu(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        slope = np.full(self.drafts.outputs_of(inputs[0]), attributes.get("alpha", 0.01), np.float32)
        self.drafts.activate(node.output[0], inputs[0], slope=slope)

    def _read_relu(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        self.drafts.activate(node.output[0], inputs[0], slope=np.zeros(self.drafts.outputs_of(inputs[0]), np.float32))

    def _read_sigmoid(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        self.drafts.outputs_of(inputs[0])
        self.sigmoids[node.output[0]] = inputs[0]

    def _read_sub(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        if not self.images.normalise("Sub", node.output[0], inputs):
            self._centre(node, inputs, 0.5)

    def _read_div(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        if not self.images.normalise("Div", node.output[0], inputs):
            raise UnknownStructure("a Div that does not normalise the image")

    def _centre(self, node: onnx.NodeProto, inputs: list[str], half: float) -> None:
        if inputs[0] not in self.sigmoids or self.graph.constant(inputs[1], "an operand").ravel().tolist() != [half]:
            raise UnknownStructure(f"a {node.op_type} that is not part of a gate")
        self.centred[node.output[0]] = self.sigmoids[inputs[0]]

    def _read_mul(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        if self.images.normalise("Mul", node.output[0], inputs):
            return
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


@dataclass
class _GraphReader(_LayerReader):
    """Reads all operators in order, with the pixel shuffle and what follows it.

    Attributes:
        shuffled: For each tensor that is the output of the pixel shuffle, its scale and the residual in it.
        clipped: For each tensor that is an output limited to the range from 0 to 1, the output.
        reduced: For each tensor that is an output reduced by cubic convolution, the output and the factor.
        last: Index of the layer whose output is shuffled.
        copies_added: The layer to which copies of the image are added, and these copies; None if there is none.
    """

    shuffled: dict[str, tuple[int, Residual]] = field(default_factory=dict)
    clipped: dict[str, str] = field(default_factory=dict)
    reduced: dict[str, tuple[str, Fraction]] = field(default_factory=dict)
    last: int = -1
    copies_added: tuple[int, ImageCopies] | None = None

    def stack(self) -> ConvolutionStack:
        for node in self.graph.nodes:
            if self.images.rearrange(node.op_type, node.output, self.graph.inputs(node)):
                continue
            read = getattr(self, f"_read_{node.op_type.lower()}", None)
            if read is None or node.domain not in ("", "ai.onnx"):
                raise UnknownStructure(f"an operator {node.op_type}")
            read(node, self.graph.inputs(node), attributes_of(node))
        return self._finished(self.graph.output)

    def _read_add(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        features, images = self.drafts.features, self.images
        if images.normalise("Add", node.output[0], inputs):
            return
        for one, other in (inputs, inputs[::-1]):
            if other in self.graph.constants and one in self.sigmoids:
                self._centre(node, [one, other], -0.5)
                return
            if one in features and other in images.rearranged:
                self._add_copies(node.output[0], one, other)
                return
            if one in self.shuffled and other in images.enlarged:
                scale, present = self.shuffled[one]
                residual, enlarged_by = images.enlarged[other]
                if scale != enlarged_by or present != "none":
                    raise UnknownStructure("an image added twice, or of another size")
                self.shuffled[node.output[0]] = scale, residual
                return
        if not all(name in features for name in inputs):
            raise UnknownStructure("an Add of tensors that are neither layers nor the image")
        later, earlier = sorted(inputs, key=lambda name: features[name], reverse=True)
        if self.drafts.uses[later] > 1:  # the sum of a gate: (x + y) beside sigmoid(y)
            self.sums[node.output[0]] = (later, earlier)
            return
        self.drafts.join(node.output[0], later, earlier, "add", uses=1)

    def _add_copies(self, output: str, features: str, image: str) -> None:
        """Read the sum of a convolution's output and copies of the image."""
        index = self.drafts.sole(features, "the sum with the image")
        if self.copies_added is not None or self.drafts.is_finished(index):
            raise UnknownStructure("copies of the image that are not added to one convolution's output")
        planes, outputs = self.drafts.layers[0].weight.shape[1], len(self.drafts.layers[index].bias)
        self.copies_added = index, self.images.copies(image, planes, outputs)
        self.drafts.features[output] = index

    def _read_depthtospace(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        index, scale = self.drafts.sole(inputs[0], "a pixel shuffle"), int(attributes["blocksize"])
        outputs = len(self.drafts.layers[index].bias)
        if scale not in SCALES or outputs % scale**2:
            raise UnknownStructure(f"a pixel shuffle of {outputs} channels by {scale}")
        depth_first = attributes.get("mode", b"DCR") == b"DCR"
        if self.copies_added is not None:
            summed, copies = self.copies_added
            fits = copies.copies_first if depth_first else copies.planes_first
            if not fits or (summed, copies.scale) != (index, scale):
                raise UnknownStructure(
                    "copies of the image in another order, or elsewhere, than the pixel shuffle's input"
                )
        if depth_first:  # its order is (row, column, plane)
            order = np.arange(outputs).reshape(scale, scale, -1).transpose(2, 0, 1).ravel()
            self.drafts.select(index, inputs[0], order)
        self.last = index
        self.shuffled[node.output[0]] = scale, "nearest" if self.copies_added else "none"

    def _read_concat(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        if attributes.get("axis") not in (1, -3):
            raise UnknownStructure(f"a Concat along axis {attributes.get('axis')}, not 1")
        self.drafts.concatenate(node.output[0], inputs)

    def _read_resize(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        if inputs[0] in self.shuffled or inputs[0] in self.clipped:
            self._reduce(node.output[0], inputs, attributes)
        else:
            self.images.enlarge(node.output[0], inputs, attributes)

    def _reduce(self, output: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        """Read a Resize of the output."""
        scales = self.graph.constant(inputs[2] if len(inputs) == 3 else "", "the scales of a Resize").ravel().tolist()
        factor = Fraction(scales[-1]).limit_denominator(_LARGEST_DENOMINATOR)
        scale, _ = self.shuffled[self.clipped.get(inputs[0], inputs[0])]
        actual = _REDUCTION | attributes
        is_uniform = scales == [1, 1, scales[-1], scales[-1]] and 0 < factor < 1 and (scale * factor).denominator == 1
        is_cubic = actual.get("mode") == b"cubic" and all(actual[name] == value for name, value in _REDUCTION.items())
        if not (is_uniform and is_cubic):
            raise UnknownStructure("a Resize of the output that is no cubic reduction to a whole multiple of the image")
        self.reduced[output] = inputs[0], factor

    def _read_slice(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        index = self.drafts.sole(inputs[0], "a Slice")
        values = [self.graph.constant(name, "a bound of a Slice").ravel().tolist() for name in inputs[1:]]
        outputs = len(self.drafts.layers[index].bias)
        if len(values) < 3 or values[0] != [0] or values[2] not in ([1], [-3]) or values[3:] not in ([], [[1]]):
            raise UnknownStructure("a Slice of other than the first channels")
        self.drafts.select(index, node.output[0], np.arange(outputs)[: values[1][0]])

    def _read_clip(self, node: onnx.NodeProto, inputs: list[str], attributes: dict[str, Any]) -> None:
        limits = [self.graph.constants[name].ravel().tolist() for name in inputs[1:] if name in self.graph.constants]
        if inputs[0] not in self.shuffled or limits != [[0], [1]]:
            raise UnknownStructure("a Clip that does not limit the output to the range from 0 to 1")
        self.clipped[node.output[0]] = inputs[0]

    def _finished(self, output: str) -> ConvolutionStack:
        complete, reduction = self.reduced.get(output, (output, Fraction(1)))
        end = self.clipped.get(complete, complete)
        if end not in self.shuffled or self.last != len(self.drafts.layers) - 1:
            raise UnknownStructure("an output that is not that of a pixel shuffle")
        scale, residual = self.shuffled[end]
        layers, clips = self.drafts.layers, end != complete
        if residual == "none" and (clipped := _with_clipping(layers)):
            layers, clips = clipped, True
        if len(layers) < 2:
            raise UnknownStructure(f"{len(layers)} convolutions, not two or more")
        planes, last = layers[0].weight.shape[1], layers[-1]
        _check_widths(layers, planes, planes * scale**2)
        if last.smooth or last.epilogue != "none" or (last.slope != 1).any():
            raise UnknownStructure("an activation after the last convolution")
        return ConvolutionStack(
            with_slopes_up_to_one(tuple(with_padded_width(layers))), planes, scale, residual, clips, reduction
        )


def _check_widths(layers: list[StackLayer], planes: int, outputs: int) -> None:
    """Raise UnknownStructure unless all layers have the shapes of a stack's."""
    width = len(layers[0].bias)
    shapes = [(width, width * len(layer.joined), 1, 1) if layer.joined else (width, width, 3, 3) for layer in layers]
    shapes[0], shapes[-1] = (width, planes, 3, 3), (outputs, width, 3, 3)
    if layers[-1].joined:
        raise UnknownStructure("a 1x1 convolution before the pixel shuffle")
    if (
        planes not in (1, 3)
        or not WIDTHS[0] <= width <= WIDTHS[-1]
        or [layer.weight.shape for layer in layers] != shapes
    ):
        raise UnknownStructure(f"layers that are not all of one width from {WIDTHS[0]} to {WIDTHS[-1]}")


def _with_clipping(layers: list[StackLayer]) -> list[StackLayer] | None:
    """The layers with one instead of the last two, if these compute relu(1 - relu(z)): the one computes 1 - z.

    ETDS limits its output in that way, which is 1 - z limited to the range from 0 to 1.
    """
    if len(layers) < 3:
        return None
    before, last = layers[-2:]
    are_relu = not any(each.smooth or each.epilogue != "none" or each.slope.any() for each in (before, last))
    if not are_relu or last.joined != (len(layers) - 2,):
        return None
    matrix = last.weight[:, :, 0, 0]
    source = matrix.argmin(axis=1)  # the channel that each output negates: the pixel shuffle may have rearranged them
    negation = np.zeros_like(matrix)
    negation[np.arange(len(matrix)), source] = -1
    if before.joined or not np.array_equal(matrix, negation) or (last.bias != 1).any():
        return None
    return [*layers[:-2], StackLayer(-before.weight[source], 1 - before.bias[source], np.ones_like(last.slope))]
