"""Windows of ONNX operators: which input pixels each output pixel of an operator depends on.

A window is a pair of spans, for rows and for columns. Positions are fractions, so that a pixel shuffle or a
nearest-neighbour resize adds nothing to the receptive field.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

# Operators of which an output pixel depends on the same pixel of the operands alone.
POINTWISE = frozenset(
    """Abs Add BatchNormalization Cast CastLike Ceil Celu Clip Div Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish
    Identity LRN LeakyRelu Log Max Mean Min Mish Mul Neg PRelu Pow Reciprocal Relu Round Selu Shrink Sigmoid Sign
    Softplus Softsign Sqrt Sub Sum Swish Tanh ThresholdedRelu Where""".split()
)
ALONG_AN_AXIS = ("Concat", "Split")  # pointwise if the axis is that of the channels
_CHANNELS = 1
_FIRST_SPATIAL, _RANK = 2, 4  # (1, channels, H, W)
_TO_CHANNELS_LAST, _TO_CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
_LARGEST_DENOMINATOR = 64  # of the factor of a Resize, which is stored as float32


@dataclass(frozen=True)
class Span:
    """Dependence along one axis: output pixel i depends on input pixels jump * i + low to jump * i + high.

    Attributes:
        jump: Distance between two output pixels, in input pixels.
        low: First input pixel of output pixel 0.
        high: Last input pixel of output pixel 0.
    """

    jump: Fraction
    low: Fraction
    high: Fraction

    def compose(self, window: Span) -> Span:
        """The span of a tensor each of whose pixels depends on `window` of the tensor that this span belongs to."""
        return Span(self.jump * window.jump, self.low + self.jump * window.low, self.high + self.jump * window.high)


View = tuple[Span, Span]  # of rows, of columns
ITSELF = Span(Fraction(1), Fraction(0), Fraction(0))


class Operation:
    """A node of the graph, with its attributes and constant inputs.

    Attributes:
        kind: Operator name, with its domain if that is not ONNX's own.
        inputs: Names of its input tensors.
        attributes: Its attributes by name.
        channels_last: True if the layout of its operands is (1, H, W, C), not (1, C, H, W).
    """

    def __init__(self, node: onnx.NodeProto, constants: dict[str, np.ndarray], channels_last: bool = False) -> None:
        import onnx

        self.kind: str = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        self.inputs = list(node.input)
        self.attributes: dict[str, Any] = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        self.channels_last = channels_last
        self._constants = constants

    @property
    def changes_layout(self) -> bool:
        """True for a Transpose from one layout to the other."""
        return tuple(self.attributes.get("perm", ())) == (
            _TO_CHANNELS_FIRST if self.channels_last else _TO_CHANNELS_LAST
        )

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        return bytes(self.attributes.get(name, default.encode())).decode()

    def pair(self, name: str) -> tuple[int, int]:
        """An attribute of two integers, (1, 1) if absent."""
        rows, columns = self.attributes.get(name, (1, 1))
        return rows, columns

    def has_input(self, index: int) -> bool:
        """True if an optional input is present."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def values(self, index: int, name: str = "") -> list[Any] | None:
        """Constant values of an input, or of the attribute that older operators have instead; None if not constant."""
        if self.has_input(index) and self.inputs[index] in self._constants:
            return list(np.ravel(self._constants[self.inputs[index]]))
        return list(self.attributes[name]) if name in self.attributes else None

    def rank(self, index: int) -> int | None:
        """Number of dimensions of a constant input; None if it is not constant."""
        values = self._constants.get(self.inputs[index]) if self.has_input(index) else None
        return None if values is None else values.ndim

    def kernel(self) -> tuple[int, ...]:
        """Kernel size, from the attribute or from the shape of constant weights; () if unknown."""
        if "kernel_shape" in self.attributes:
            return tuple(self.attributes["kernel_shape"])
        weights = self._constants.get(self.inputs[1]) if self.has_input(1) else None
        return () if weights is None else weights.shape[_FIRST_SPATIAL:]


def operator_window(operation: Operation) -> View | None:
    """The window of an operator; None if it is unknown, or depends on the size of the image."""
    if operation.kind in POINTWISE:
        return ITSELF, ITSELF
    if operation.kind in (*ALONG_AN_AXIS, "Gather"):
        if operation.kind == "Gather" and operation.rank(1) != 1:
            return None
        channels = _RANK - 1 if operation.channels_last else _CHANNELS
        along_channels = operation.attributes.get("axis", 0) in (channels, channels - _RANK)
        return (ITSELF, ITSELF) if along_channels else None
    if operation.kind == "Transpose":
        return (ITSELF, ITSELF) if operation.changes_layout else None
    find = _WINDOWS.get(operation.kind)
    return find(operation) if find and not operation.channels_last else None


def _convolution(operation: Operation) -> View | None:
    """Pixel i depends on stride * i - pad + dilation * (0 .. kernel - 1)."""
    kernel = operation.kernel()
    if len(kernel) != 2:
        return None
    spans = []
    for axis, size in enumerate(kernel):
        stride, width = operation.pair("strides")[axis], operation.pair("dilations")[axis] * (size - 1)
        least, most = _pads(operation, axis, width, max(0, width + 1 - stride))
        spans.append(_span(stride, -most, width - least))
    return spans[0], spans[1]


def _transposed(operation: Operation) -> View | None:
    """Pixel i depends on those j for which stride * j = i + pad - dilation * (0 .. kernel - 1)."""
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


def _pads(operation: Operation, axis: int, most: int, least: int) -> tuple[int, int]:
    """Least and largest number of pixels that are padded before the first one.

    With `auto_pad` the number depends on the size of the image.

    Args:
        operation: The convolution or pooling.
        axis: 0 for rows, 1 for columns.
        most: Most pixels that `auto_pad` can add before and after together.
        least: Fewest pixels that `auto_pad` can add before and after together.
    """
    automatic = operation.text("auto_pad", "NOTSET")
    if automatic.startswith("SAME"):
        return least // 2, -(-most // 2)
    before = 0 if automatic == "VALID" else operation.attributes.get("pads", (0, 0, 0, 0))[axis]
    return before, before


def _shuffled(operation: Operation) -> View:
    """DepthToSpace: pixel i depends on floor(i / block)."""
    block = operation.attributes["blocksize"]
    span = _span(Fraction(1, block), Fraction(1 - block, block), 0)
    return span, span


def _unshuffled(operation: Operation) -> View:
    """SpaceToDepth: pixel i depends on block * i + (0 .. block - 1)."""
    block = operation.attributes["blocksize"]
    span = _span(block, 0, block - 1)
    return span, span


def _padded(operation: Operation) -> View | None:
    """Pad: pixel i depends on i - before, and in the border on the edge pixel or on a mirrored one."""
    pads = operation.values(1, "pads")
    mirrored = {"constant": 0, "edge": 1, "reflect": 2}.get(operation.text("mode", "constant"))
    if pads is None or mirrored is None or (operation.has_input(3) and operation.values(3) is None):
        return None
    axes = _axes(operation.values(3), len(pads) // 2)
    spans = []
    for axis in (_FIRST_SPATIAL, _FIRST_SPATIAL + 1):
        index = axes.get(axis)
        before, behind = (0, 0) if index is None else (int(pads[index]), int(pads[index + len(axes)]))
        spans.append(_span(1, -before - mirrored * max(0, behind), -before + mirrored * max(0, before)))
    return spans[0], spans[1]


def _sliced(operation: Operation) -> View | None:
    """Slice: pixel i depends on start + step * i. Starts counted from the end depend on the size of the image."""
    starts, ends = operation.values(1, "starts"), operation.values(2, "ends")
    named_axes, steps = operation.values(3, "axes"), operation.values(4)
    if starts is None or (operation.has_input(3) and named_axes is None) or (operation.has_input(4) and steps is None):
        return None
    axes = _axes(named_axes, len(starts))
    spans = []
    for axis in (_FIRST_SPATIAL, _FIRST_SPATIAL + 1):
        index = axes.get(axis)
        start, step = (0, 1) if index is None else (int(starts[index]), int(steps[index]) if steps else 1)
        single = (
            index is not None and ends is not None and 0 <= ends[index] - start <= step
        )  # one pixel, which may be broadcast over all
        if start < 0 or step < 1 or single:
            return None
        spans.append(_span(step, start, start))
    return spans[0], spans[1]


def _axes(named: list[Any] | None, count: int) -> dict[int, int]:
    """Index into an operator's lists of each axis."""
    return {int(axis) % _RANK: index for index, axis in enumerate(range(count) if named is None else named)}


def _resized(operation: Operation) -> View | None:
    """Resize: pixel i depends on the pixels that position i / factor + shift is interpolated from."""
    older = operation.kind == "Upsample" or len(operation.inputs) == 2  # before opset 11
    scales = operation.values(1 if older else 2, "scales")
    if not scales:  # given by sizes instead, so the factor depends on the image
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


def _interpolated(operation: Operation, factor: Fraction, grid: str, rounding: str) -> Span | None:
    if grid in ("half_pixel", "pytorch_half_pixel"):
        shift = (1 / factor - 1) / 2
    elif grid == "asymmetric":
        shift = Fraction(0)
    else:  # the other modes depend on the size of the image
        return None
    # Positions are multiples of 1 / n, so the neighbours of a position between pixels are at most 1 - 1/n away.
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
    return Span(1 / factor, shift + low, shift + high)


def _span(jump: int | Fraction, low: int | Fraction, high: int | Fraction) -> Span:
    return Span(Fraction(jump), Fraction(low), Fraction(high))


_WINDOWS: dict[str, Callable[[Operation], View | None]] = {
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
