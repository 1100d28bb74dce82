"""How far a pixel's influence goes, read off the ONNX graph: the radius of the network's receptive field.

Along each axis, a pixel i of any tensor sees the picture's pixels from jump * i + low to jump * i + high. A graph's
operations are such windows onto their own inputs, and windows compose (Araujo et al., "Computing Receptive Fields of
Convolutional Neural Networks", Distill 2019, doi 10.23915/distill.00021). In fractions, so that a pixel shuffle or a
nearest-neighbour enlargement costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

# Each pixel of the result depends on the same pixel of the operands only. Concat and Split are so along channels alone.
_POINTWISE = frozenset(
    """Abs Add BatchNormalization Cast CastLike Ceil Celu Clip Div Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish
    Identity LRN LeakyRelu Log Max Mean Min Mish Mul Neg PRelu Pow Reciprocal Relu Round Selu Shrink Sigmoid Sign
    Softplus Softsign Sqrt Sub Sum Swish Tanh ThresholdedRelu Where""".split()
)
_ALONG_AN_AXIS = ("Concat", "Split")
OF_SIZES = ("Shape", "Size")  # tell of the picture's size, not of its pixels
_CHANNELS = 1
_FIRST_SPATIAL, _RANK = 2, 4  # (1, channels, H, W)
_LARGEST_DENOMINATOR = 64  # of a Resize's factor, which its file holds in float32


def reach(model: onnx.ModelProto) -> int | None:
    """How many input pixels away, along H or W, an input pixel can change an output pixel; 0: only itself.

    An output pixel counts as lying in the input pixel that it enlarges. At least as far as the truth, and just as far
    for plain stacks of convolutions. None where an operation mixes the whole picture, or isn't known here.
    """
    return _distance(_views(model.graph).get(model.graph.output[0].name))


def stride(model: onnx.ModelProto) -> int:
    """The least number of input pixels, 1 or more, by which the picture can be shifted and the result shifts with it.

    A part of the picture that begins at multiples of it is enlarged as it is in the whole, but for the part's edges,
    as wide as the network reaches. Means nothing where `reach` is None.
    """
    jumps = [span.jump for view in _views(model.graph).values() for span in view or ()]
    return math.lcm(*(jump.numerator for jump in jumps))


def _views(graph: onnx.GraphProto) -> dict[str, _View | None]:
    """What each tensor that holds something of the picture's pixels sees of them; None: all, or nobody knows."""
    constants = _constants(graph)
    views: dict[str, _View | None] = {g.name: (_ITSELF, _ITSELF) for g in graph.input if g.name not in constants}
    for node in graph.node:
        sources = [views[name] for name in node.input if name in views]
        if sources and node.op_type not in OF_SIZES:
            alike = node.op_type in _POINTWISE or node.op_type in _ALONG_AN_AXIS
            alone = len(sources) == 1 and node.input[0] in views
            window = _window(_Operation(node, constants)) if alike or alone else None
            views |= dict.fromkeys(filter(None, node.output), _through(sources, window))
    return views


def _constants(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    import onnx

    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            value = onnx.helper.get_attribute_value(attribute)
            if attribute.name == "value":
                values[node.output[0]] = onnx.numpy_helper.to_array(value)
            elif attribute.name in ("value_int", "value_ints", "value_float", "value_floats"):
                values[node.output[0]] = np.array(value)
    return values


@dataclass(frozen=True)
class _Span:
    """Along one axis: pixel i of a tensor sees those from jump * i + low to jump * i + high of another."""

    jump: Fraction
    low: Fraction
    high: Fraction

    def seen_through(self, window: _Span) -> _Span:
        """What a tensor sees of the picture, whose pixels see a `window` of the tensor that this span is of."""
        return _Span(self.jump * window.jump, self.low + self.jump * window.low, self.high + self.jump * window.high)


_View = tuple[_Span, _Span]  # of rows, of columns
_ITSELF = _Span(Fraction(1), Fraction(0), Fraction(0))


def _through(sources: Sequence[_View | None], window: _View | None) -> _View | None:
    known = [source for source in sources if source is not None]
    if window is None or len(known) < len(sources):
        return None
    spans = []
    for axis in (0, 1):
        together = [source[axis] for source in known]
        if len({span.jump for span in together}) > 1:  # pixels of different sizes: one operand is spread over another
            return None
        low, high = min(span.low for span in together), max(span.high for span in together)
        spans.append(_Span(together[0].jump, low, high).seen_through(window[axis]))
    return spans[0], spans[1]


def _distance(view: _View | None) -> int | None:
    """From the input pixel in which an output pixel lies to the farthest that it sees; None: grows with the picture."""
    distance = 0
    for span in view or ():
        offset = 1 - span.jump  # of the last output pixel that lies in an input pixel, in input pixels
        distance = max(distance, math.floor(span.high + offset), -math.ceil(span.low))
    return None if view is None or any((1 / span.jump).denominator != 1 for span in view) else distance


class _Operation:
    """A node and what is constant about it."""

    def __init__(self, node: onnx.NodeProto, constants: dict[str, np.ndarray]) -> None:
        import onnx

        self.kind: str = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        self.inputs = list(node.input)
        self.attributes: dict[str, Any] = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        self._constants = constants

    def text(self, name: str, default: str) -> str:
        return bytes(self.attributes.get(name, default.encode())).decode()

    def pair(self, name: str) -> tuple[int, int]:
        rows, columns = self.attributes.get(name, (1, 1))
        return rows, columns

    def gives(self, index: int) -> bool:
        return index < len(self.inputs) and self.inputs[index] != ""

    def values(self, index: int, name: str = "") -> list[Any] | None:
        """The constant numbers of an input, or of the attribute that older operators have instead."""
        if self.gives(index) and self.inputs[index] in self._constants:
            return list(np.ravel(self._constants[self.inputs[index]]))
        return list(self.attributes[name]) if name in self.attributes else None

    def kernel(self) -> tuple[int, ...]:
        if "kernel_shape" in self.attributes:
            return tuple(self.attributes["kernel_shape"])
        weights = self._constants.get(self.inputs[1]) if self.gives(1) else None
        return () if weights is None else weights.shape[_FIRST_SPATIAL:]


def _window(operation: _Operation) -> _View | None:
    if operation.kind in _POINTWISE:
        return _ITSELF, _ITSELF
    if operation.kind in _ALONG_AN_AXIS:
        along_channels = operation.attributes.get("axis", 0) in (_CHANNELS, _CHANNELS - _RANK)
        return (_ITSELF, _ITSELF) if along_channels else None
    find = _WINDOWS.get(operation.kind)
    return find(operation) if find else None


def _convolution(operation: _Operation) -> _View | None:
    """Pixel i sees stride * i - pad + dilation * (0 .. kernel - 1)."""
    kernel = operation.kernel()
    if len(kernel) != 2:
        return None
    spans = []
    for axis, size in enumerate(kernel):
        stride, width = operation.pair("strides")[axis], operation.pair("dilations")[axis] * (size - 1)
        least, most = _pads(operation, axis, width, max(0, width + 1 - stride))
        spans.append(_span(stride, -most, width - least))
    return spans[0], spans[1]


def _transposed(operation: _Operation) -> _View | None:
    """Pixel i sees those j with stride * j = i + pad - dilation * (0 .. kernel - 1)."""
    kernel = operation.kernel()
    if len(kernel) != 2 or "output_shape" in operation.attributes:
        return None
    spans = []
    for axis, size in enumerate(kernel):
        stride, width = operation.pair("strides")[axis], operation.pair("dilations")[axis] * (size - 1)
        total = max(0, width + 1 + operation.attributes.get("output_padding", (0, 0))[axis] - stride)
        least, most = _pads(operation, axis, total, total)
        spans.append(_span(Fraction(1, stride), Fraction(least - width, stride), Fraction(most, stride)))
    return spans[0], spans[1]


def _pads(operation: _Operation, axis: int, most: int, least: int) -> tuple[int, int]:
    """How many pixels are put before the first: between which two numbers, as auto_pad looks at the picture's size.

    least, most: what auto_pad may put before and behind together.
    """
    automatic = operation.text("auto_pad", "NOTSET")
    if automatic.startswith("SAME"):
        return least // 2, -(-most // 2)
    before = 0 if automatic == "VALID" else operation.attributes.get("pads", (0, 0, 0, 0))[axis]
    return before, before


def _shuffled(operation: _Operation) -> _View:
    """DepthToSpace: pixel i sees floor(i / block)."""
    block = operation.attributes["blocksize"]
    span = _span(Fraction(1, block), Fraction(1 - block, block), 0)
    return span, span


def _unshuffled(operation: _Operation) -> _View:
    """SpaceToDepth: pixel i sees block * i + (0 .. block - 1)."""
    block = operation.attributes["blocksize"]
    span = _span(block, 0, block - 1)
    return span, span


def _padded(operation: _Operation) -> _View | None:
    """Pixel i sees i - before; in the border, the pixel there (edge) or as far inside (reflect)."""
    pads = operation.values(1, "pads")
    mirrored = {"constant": 0, "edge": 1, "reflect": 2}.get(operation.text("mode", "constant"))
    if pads is None or mirrored is None or (operation.gives(3) and operation.values(3) is None):
        return None
    axes = _axes(operation.values(3), len(pads) // 2)
    spans = []
    for axis in (_FIRST_SPATIAL, _FIRST_SPATIAL + 1):
        place = axes.get(axis)
        before, behind = (0, 0) if place is None else (int(pads[place]), int(pads[place + len(axes)]))
        spans.append(_span(1, -before - mirrored * max(0, behind), -before + mirrored * max(0, before)))
    return spans[0], spans[1]


def _sliced(operation: _Operation) -> _View | None:
    """Pixel i sees start + step * i; what is counted from the end, or backwards, hangs on the picture's size."""
    starts, ends = operation.values(1, "starts"), operation.values(2, "ends")
    named, steps = operation.values(3, "axes"), operation.values(4)
    if starts is None or (operation.gives(3) and named is None) or (operation.gives(4) and steps is None):
        return None
    axes = _axes(named, len(starts))
    spans = []
    for axis in (_FIRST_SPATIAL, _FIRST_SPATIAL + 1):
        place = axes.get(axis)
        start, step = (0, 1) if place is None else (int(starts[place]), int(steps[place]) if steps else 1)
        one = place is not None and ends is not None and 0 <= ends[place] - start <= step  # may be spread over all
        if start < 0 or step < 1 or one:
            return None
        spans.append(_span(step, start, start))
    return spans[0], spans[1]


def _axes(named: list[Any] | None, count: int) -> dict[int, int]:
    """Which place in an operator's lists is whose axis."""
    return {int(axis) % _RANK: place for place, axis in enumerate(range(count) if named is None else named)}


def _resized(operation: _Operation) -> _View | None:
    """Pixel i sees those that its place, i / factor + shift, is interpolated from."""
    older = operation.kind == "Upsample" or len(operation.inputs) == 2  # before opset 11
    scales = operation.values(1 if older else 2, "scales")
    if not scales:  # sizes instead, whose factor hangs on the picture
        return None
    axes = _axes(operation.attributes.get("axes"), len(scales))
    factors = [Fraction(float(scales[axes[axis]])) if axis in axes else Fraction(1) for axis in range(_RANK)]
    factors = [factor.limit_denominator(_LARGEST_DENOMINATOR) for factor in factors]
    grid = "asymmetric" if older else operation.text("coordinate_transformation_mode", "half_pixel")
    rounding = "floor" if older else operation.text("nearest_mode", "round_prefer_floor")
    spans = [_interpolated(operation, factor, grid, rounding) for factor in factors[_FIRST_SPATIAL:]]
    if factors[:_FIRST_SPATIAL] != [1, 1] or spans[0] is None or spans[1] is None:
        return None
    return spans[0], spans[1]


def _interpolated(operation: _Operation, factor: Fraction, grid: str, rounding: str) -> _Span | None:
    if grid in ("half_pixel", "pytorch_half_pixel"):
        shift = (1 / factor - 1) / 2
    elif grid == "asymmetric":
        shift = Fraction(0)
    else:  # the others lay their grid by the picture's size
        return None
    # Places are multiples of 1 / n, so that the neighbours of one that is not itself a pixel are at most 1 - 1/n away.
    beside = 1 - Fraction(1, math.lcm((1 / factor).denominator, shift.denominator))
    mode = operation.text("mode", "nearest")
    if mode == "nearest":
        half = Fraction(1, 2)
        low, high = {"floor": (-beside, Fraction(0)), "ceil": (Fraction(0), beside)}.get(rounding, (-half, half))
    else:
        support = beside + {"linear": 0, "cubic": 1}[mode]
        if operation.attributes.get("antialias", 0) and factor < 1:
            support = {"linear": 1, "cubic": 2}[mode] / factor
        low, high = -support, support
    return _Span(1 / factor, shift + low, shift + high)


def _span(jump: int | Fraction, low: int | Fraction, high: int | Fraction) -> _Span:
    return _Span(Fraction(jump), Fraction(low), Fraction(high))


_WINDOWS: dict[str, Callable[[_Operation], _View | None]] = {
    "AveragePool": _convolution,
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "DepthToSpace": _shuffled,
    "MaxPool": _convolution,
    "Pad": _padded,
    "Resize": _resized,
    "Slice": _sliced,
    "SpaceToDepth": _unshuffled,
    "Upsample": _resized,
}
