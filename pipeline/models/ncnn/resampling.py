"""Conversion of ncnn's layers that change the shape of a tensor: scaling, pooling, padding, cropping, joining."""

from __future__ import annotations

from fractions import Fraction

from pipeline.errors import ModelError
from pipeline.models.ncnn.blob import ONE, Blob, Extent, vector
from pipeline.models.ncnn.convolutions import Kernel
from pipeline.models.ncnn.graph import NcnnGraph
from pipeline.models.ncnn.param_file import NcnnLayer

_TO_THE_END = 2**63 - 1
_WHOLE_AXIS = -233
_LARGEST_SCALE = 64
_LARGEST_DENOMINATOR = 64
_CHANNEL_AXES = (0, -3)


def convert_interp(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Interp: scaling by constant factors, or to the size of a second tensor if that is a constant factor larger."""
    source, mode = inputs[0], layer.require("resize_type", 0, (1, 2, 3))
    if len(inputs) == 1 and (layer.integer(3) or layer.integer(4) or 9 in layer.arrays):
        raise ModelError("scaling to a fixed size is not supported, only by a factor; export the network for any size")
    rows, columns = (_factor(layer, inputs, axis) for axis in (0, 1))
    if source.is_vector:
        raise ModelError("scaling of a vector is not supported, only of an image")
    grid = "asymmetric" if mode == 1 else "align_corners" if layer.integer(6) else "half_pixel"
    tensor = graph.add(
        "Resize",
        source.tensor,
        "",
        graph.floats(1, 1, float(rows), float(columns)),
        mode=("nearest", "linear", "cubic")[mode - 1],
        coordinate_transformation_mode=grid,
        nearest_mode="floor",
        cubic_coeff_a=-0.75,
    )
    return [Blob(tensor, source.channels, source.rows.scaled(rows), source.columns.scaled(columns))]


def _factor(layer: NcnnLayer, inputs: list[Blob], axis: int) -> Fraction:
    """The factor of rows, axis 0, or columns, axis 1."""
    if len(inputs) == 1:
        factor = Fraction(layer.number(1 + axis, 1.0)).limit_denominator(_LARGEST_DENOMINATOR)
    else:
        source, target = ((blob.rows, blob.columns)[axis] for blob in inputs[:2])
        factor = target.factor / source.factor if source.factor else Fraction(0)
        if source.scaled(factor) != target:
            raise ModelError("scaling to the size of a tensor that is no constant factor larger is not supported")
    if not 0 < factor <= _LARGEST_SCALE:
        raise ModelError(f"a factor of {float(factor):g} is not supported, only up to {_LARGEST_SCALE}")
    return factor


def convert_pixel_shuffle(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """PixelShuffle."""
    (source,), scale = inputs, layer.integer(0, 1)
    channels = source.known_channels()
    if not 1 <= scale <= _LARGEST_SCALE or channels % scale**2:
        raise ModelError(f"a pixel shuffle of {channels} channels by {scale} is impossible")
    order = "DCR" if layer.require("mode", 1, (0, 1)) else "CRD"
    tensor = graph.add("DepthToSpace", source.tensor, blocksize=scale, mode=order)
    rows, columns = (extent.scaled(Fraction(scale)) for extent in (source.rows, source.columns))
    return [Blob(tensor, channels // scale**2, rows, columns)]


def convert_reorg(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Reorg, the inverse of a pixel shuffle."""
    (source,), scale = inputs, layer.integer(0, 1)
    if not 1 <= scale <= _LARGEST_SCALE:
        raise ModelError(f"a stride of {scale} is not supported, only up to {_LARGEST_SCALE}")
    channels = source.known_channels()
    tensor = graph.add("SpaceToDepth", source.tensor, blocksize=scale)
    if layer.require("mode", 1, (0, 1)) == 0:  # channels in the order (C, row, column); ONNX has (row, column, C)
        order = [(part * channels + plane) for plane in range(channels) for part in range(scale**2)]
        tensor = graph.add("Gather", tensor, graph.integers(*order), axis=1)
    rows, columns = (extent.scaled(Fraction(1, scale)) for extent in (source.rows, source.columns))
    return [Blob(tensor, channels * scale**2, rows, columns)]


def convert_pooling(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Pooling: maximum or mean, of windows or of the complete image."""
    (source,), is_mean = inputs, bool(layer.require("pooling_type", 0, (0, 1)))
    if layer.integer(7) and (layer.integer(8), layer.integer(18, layer.integer(8))) != (1, 1):
        raise ModelError("adaptive pooling to more than one pixel is not supported")
    if layer.integer(4) or layer.integer(7):
        tensor = graph.add("GlobalAveragePool" if is_mean else "GlobalMaxPool", source.tensor)
        return [vector(tensor, source.channels)]
    kernel, mode = Kernel.of(_with_keys_of_a_convolution(layer)), layer.require("pad_mode", 5, (0, 1))
    options: dict[str, int] = {"ceil_mode": int(mode == 0)}
    if is_mean:
        options["count_include_pad"] = layer.integer(6)
    window = {name: value for name, value in kernel.attributes().items() if name != "dilations"}
    tensor = graph.add("AveragePool" if is_mean else "MaxPool", source.tensor, **window, **options)
    rows, columns = (
        extent.windows(kernel.size[axis], kernel.stride[axis], kernel.padding(axis), is_partial_allowed=mode == 0)
        for axis, extent in enumerate((source.rows, source.columns))
    )
    return [Blob(tensor, source.channels, rows, columns)]


def _with_keys_of_a_convolution(layer: NcnnLayer) -> NcnnLayer:
    """A pooling layer with the keys that a convolution has for its stride, 3, and padding, 4."""
    stride, left = layer.integer(2, 1), layer.integer(3)
    top = layer.integer(13, left)
    numbers: dict[int, int | float] = {1: layer.integer(1), 3: stride, 4: left, 13: layer.integer(12, stride), 14: top}
    numbers |= {11: layer.integer(11, layer.integer(1)), 15: layer.integer(14, left), 16: layer.integer(15, top)}
    return NcnnLayer(layer.kind, layer.name, layer.inputs, layer.outputs, numbers)


def convert_padding(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Padding with a constant, with the pixels at the edges, or mirrored."""
    (source,) = inputs
    top, bottom, left, right = pads = [layer.integer(key) for key in range(4)]
    mode = ("constant", "edge", "reflect")[layer.require("type", 4, (0, 1, 2))]
    for name, key in (("per_channel_pad_data_size", 6), ("front", 7), ("behind", 8)):
        layer.require(name, key, (0,))
    if min(pads) < 0 or source.is_vector:
        raise ModelError(f"padding of {pads} is not supported, only of images by 0 or more")
    value = [graph.constant(layer.number(5))] if mode == "constant" else []
    tensor = graph.add("Pad", source.tensor, graph.integers(0, 0, top, left, 0, 0, bottom, right), *value, mode=mode)
    return [Blob(tensor, source.channels, source.rows.plus(top + bottom), source.columns.plus(left + right))]


def convert_concat(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Concat of channels."""
    first = inputs[0]
    layer.require("axis", 0, (0,) if first.is_vector else _CHANNEL_AXES)
    if any((blob.rows, blob.columns) != (first.rows, first.columns) for blob in inputs):
        raise ModelError("its inputs differ in size")
    channels = sum(blob.known_channels() for blob in inputs)
    tensor = graph.add("Concat", *(blob.tensor for blob in inputs), axis=1)
    return [Blob(tensor, channels, first.rows, first.columns, first.is_vector)]


def convert_slice(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Slice: the channels in several parts."""
    (source,), parts = inputs, list(layer.integers(0))
    layer.require("axis", 1, _CHANNEL_AXES)
    rest, count = source.known_channels(), len(layer.outputs)
    if len(parts) != count:
        raise ModelError(f"{len(parts)} parts for {count} outputs are impossible")
    for index, part in enumerate(parts):
        parts[index] = rest // (count - index) if part == _WHOLE_AXIS else part
        rest -= parts[index]
    if rest or min(parts) < 1:
        raise ModelError(f"{source.channels} channels in parts of {parts} are impossible")
    tensors = graph.add_several("Split", (source.tensor, graph.integers(*parts)), count, axis=1)
    return [
        Blob(tensor, part, source.rows, source.columns, source.is_vector)
        for tensor, part in zip(tensors, parts, strict=True)
    ]


def convert_reshape(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Reshape and Flatten between a vector and an image of one pixel, which are the same here."""
    (source,) = inputs
    width, height, channels = (layer.integer(key, _WHOLE_AXIS) for key in range(3))
    is_pixel = source.is_vector or source.rows == source.columns == ONE
    to_vector = layer.kind == "Flatten" or (height == channels == _WHOLE_AXIS and width in (-1, source.channels))
    to_image = (width, height) == (1, 1) and channels in (-1, source.channels)
    if not is_pixel or not (to_vector or to_image):
        raise ModelError("another shape is not supported, only between a vector and an image of one pixel")
    return [Blob(source.tensor, source.channels, source.rows, source.columns, to_vector)]


def convert_crop(layer: NcnnLayer, inputs: list[Blob], graph: NcnnGraph) -> list[Blob]:
    """Crop: by margins, from starts to ends, or to the size of a second tensor."""
    source = inputs[0]
    if source.is_vector or any(key in layer.arrays for key in (19, 20, 21)):
        raise ModelError("bounds by expressions, and of vectors, are not supported, only numbers for an image")
    if layer.arrays.get(9):
        return [_between(layer, source, graph)]
    before = [layer.integer(key) for key in (1, 0)]
    if layer.integer(2) or layer.integer(8):
        raise ModelError("a choice of channels is not supported here, only by starts and ends")
    if len(inputs) == 2:
        after = [_margin(*axes) for axes in zip(_extents(source), _extents(inputs[1]), before, strict=True)]
    elif all(layer.integer(key) in (0, _WHOLE_AXIS) for key in (3, 4, 5)) and (layer.integer(6) or layer.integer(7)):
        after = [layer.integer(7), layer.integer(6)]
    else:
        raise ModelError("an output of a fixed size is not supported, only margins; export the network for any size")
    return [_cropped(source, before, after, graph)]


def _extents(blob: Blob) -> tuple[Extent, Extent]:
    return blob.rows, blob.columns


def _margin(source: Extent, target: Extent, before: int) -> int:
    """What is cut off at the end of an axis, if `before` is cut off at its start."""
    after = source.offset - target.offset - before
    if source.factor != target.factor or after < 0:
        raise ModelError("a crop to the size of a tensor that does not fit into it is not supported")
    return after


def _cropped(source: Blob, before: list[int], after: list[int], graph: NcnnGraph) -> Blob:
    if min(*before, *after) < 0:
        raise ModelError(f"margins of {before} and {after} are not supported, only 0 or more")
    ends = [-count or _TO_THE_END for count in after]
    tensor = graph.add("Slice", source.tensor, graph.integers(*before), graph.integers(*ends), graph.integers(2, 3))
    rows, columns = (extent.plus(-b - a) for extent, b, a in zip(_extents(source), before, after, strict=True))
    return Blob(tensor, source.channels, rows, columns)


def _between(layer: NcnnLayer, source: Blob, graph: NcnnGraph) -> Blob:
    """Crop from starts to ends along some axes, as NumPy slices."""
    starts, ends = layer.integers(9), layer.integers(10)
    axes = layer.integers(11) or tuple(range(len(starts)))
    if len(starts) != len(ends) or len(starts) != len(axes) or not set(axes) <= set(range(-3, 3)):
        raise ModelError(f"starts {starts}, ends {ends} and axes {axes} do not fit together")
    bounds = {axis % 3: (start, end) for axis, start, end in zip(axes, starts, ends, strict=True)}
    before, after = [0, 0], [0, 0]
    for axis, (start, end) in bounds.items():
        start, end = (0 if value == _WHOLE_AXIS else value for value in (start, end))
        if axis and (start < 0 or end > 0):
            raise ModelError(f"a crop from {start} to {end} is not supported, only by margins on both sides")
        if axis:
            before[axis - 1], after[axis - 1] = start, -end
    output = _cropped(source, before, after, graph) if any((*before, *after)) else source
    return _chosen_channels(output, *bounds[0], graph) if 0 in bounds else output


def _chosen_channels(source: Blob, start: int, end: int, graph: NcnnGraph) -> Blob:
    count = source.known_channels()
    first = 0 if start == _WHOLE_AXIS else start
    last = count if end in (0, _WHOLE_AXIS) else min(end, count) if end > 0 else count + end
    if not 0 <= first < last:
        raise ModelError(f"channels {start} to {end} of {count} are impossible")
    bounds = (graph.integers(value) for value in (first, last, 1))
    return Blob(graph.add("Slice", source.tensor, *bounds), last - first, source.rows, source.columns)
