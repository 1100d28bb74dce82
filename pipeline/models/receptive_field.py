"""The receptive field of a network, derived from its ONNX graph.

Along each axis, a pixel i of any tensor depends on the image pixels from jump * i + low to jump * i + high. The
operators of a graph are such windows onto their own inputs, and windows compose (Araujo, Norris, Sim, "Computing
Receptive Fields of Convolutional Neural Networks", Distill 2019, doi 10.23915/distill.00021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.models.operator_windows import ALONG_AN_AXIS, ITSELF, POINTWISE, Operation, Span, View, operator_window

if TYPE_CHECKING:
    import onnx

OF_SIZES = ("Shape", "Size")  # operators that depend on the size of the image, not on its pixels


def receptive_field_radius(model: onnx.ModelProto) -> int | None:
    """The largest distance, in input pixels along H or W, at which an input pixel can affect an output pixel.

    An output pixel counts as lying in the input pixel that it enlarges, so a network that repeats pixels has radius 0.
    The number is an upper bound, which is exact for plain stacks of convolutions.

    Returns:
        The radius, or None if an operator mixes the complete image or is unknown.
    """
    return _radius(_views(model.graph).get(model.graph.output[0].name))


def stride(model: onnx.ModelProto) -> int:
    """The smallest shift of the image, in input pixels, that shifts the output with it: 1 or more.

    A part of the image that begins at multiples of the stride is upscaled as it is within the complete image, except
    for a border as wide as the receptive field's radius. Without meaning if `receptive_field_radius` is None.
    """
    jumps = [span.jump for view in _views(model.graph).values() for span in view or ()]
    return math.lcm(*(jump.numerator for jump in jumps))


def _views(graph: onnx.GraphProto) -> dict[str, View | None]:
    """The view that each tensor has of the image's pixels; None for a tensor that may depend on all of them."""
    constants = _constants(graph)
    views: dict[str, View | None] = {g.name: (ITSELF, ITSELF) for g in graph.input if g.name not in constants}
    channels_last: set[str] = set()  # the tensors whose layout is (1, H, W, C)
    for node in graph.node:
        sources = [views[name] for name in node.input if name in views]
        if sources and node.op_type not in OF_SIZES:
            operation = Operation(node, constants, channels_last.issuperset(n for n in node.input if n in views))
            mixed = not operation.channels_last and not channels_last.isdisjoint(node.input)
            elementwise = node.op_type in POINTWISE or node.op_type in ALONG_AN_AXIS
            single_input = len(sources) == 1 and node.input[0] in views
            window = operator_window(operation) if (elementwise or single_input) and not mixed else None
            views |= dict.fromkeys(filter(None, node.output), _through(sources, window))
            if operation.channels_last != (node.op_type == "Transpose" and operation.changes_layout):
                channels_last.update(node.output)
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


def _through(sources: Sequence[View | None], window: View | None) -> View | None:
    """The view of an operator's output, given those of its operands and its window onto them."""
    known = [source for source in sources if source is not None]
    if window is None or len(known) < len(sources):
        return None
    spans = []
    for axis in (0, 1):
        operands = [source[axis] for source in known]
        if len({span.jump for span in operands}) > 1:  # operands of different resolutions: one is broadcast
            return None
        low, high = min(span.low for span in operands), max(span.high for span in operands)
        spans.append(Span(operands[0].jump, low, high).compose(window[axis]))
    return spans[0], spans[1]


def _radius(view: View | None) -> int | None:
    """Distance from the input pixel that contains an output pixel to the farthest one that it depends on."""
    radius = 0
    for span in view or ():
        offset = 1 - span.jump  # of the last output pixel that lies in an input pixel, in input pixels
        radius = max(radius, math.floor(span.high + offset), -math.ceil(span.low))
    return None if view is None or any((1 / span.jump).denominator != 1 for span in view) else radius
