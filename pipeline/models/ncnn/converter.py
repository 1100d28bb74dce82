"""Conversion of an ncnn network to an ONNX model of float32, for images of any size, (1, C, H, W)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline.errors import ModelError
from pipeline.models.ncnn import activations, arithmetic, convolutions, resampling
from pipeline.models.ncnn.blob import Blob
from pipeline.models.ncnn.graph import NcnnGraph
from pipeline.models.ncnn.image_sum import with_image
from pipeline.models.ncnn.param_file import NcnnLayer, parse_param_file
from pipeline.models.ncnn.weights_file import WeightsReader

if TYPE_CHECKING:
    import onnx

CONVERTER_VERSION = 1  # raise it when a network is converted differently, since converted files are cached

_Convert = Callable[[NcnnLayer, list[Blob], NcnnGraph], list[Blob]]

_ACTIVATIONS = "AbsVal Clip ELU GELU HardSigmoid HardSwish Mish PReLU ReLU Sigmoid Swish TanH".split()
_CONVERTERS: dict[str, tuple[_Convert, int]] = {  # by the type of a layer, with the least number of inputs
    **dict.fromkeys(_ACTIVATIONS, (activations.convert_activation, 1)),
    "BatchNorm": (arithmetic.convert_batch_norm, 1),
    "BinaryOp": (arithmetic.convert_binary, 1),
    "Concat": (resampling.convert_concat, 1),
    "Convolution": (convolutions.convert_convolution, 1),
    "ConvolutionDepthWise": (convolutions.convert_convolution, 1),
    "Crop": (resampling.convert_crop, 1),
    "Deconvolution": (convolutions.convert_deconvolution, 1),
    "DeconvolutionDepthWise": (convolutions.convert_deconvolution, 1),
    "Dropout": (arithmetic.convert_copy, 1),
    "Eltwise": (arithmetic.convert_eltwise, 2),
    "Flatten": (resampling.convert_reshape, 1),
    "InnerProduct": (convolutions.convert_inner_product, 1),
    "Interp": (resampling.convert_interp, 1),
    "MemoryData": (arithmetic.convert_memory_data, 0),
    "Noop": (arithmetic.convert_copy, 1),
    "Padding": (resampling.convert_padding, 1),
    "PixelShuffle": (resampling.convert_pixel_shuffle, 1),
    "Pooling": (resampling.convert_pooling, 1),
    "Reorg": (resampling.convert_reorg, 1),
    "Reshape": (resampling.convert_reshape, 1),
    "Scale": (arithmetic.convert_scale, 1),
    "Slice": (resampling.convert_slice, 1),
    "Split": (arithmetic.convert_copy, 1),
    "UnaryOp": (arithmetic.convert_unary, 1),
}
SUPPORTED_LAYERS = tuple(sorted(["Input", *_CONVERTERS]))


def convert_ncnn(param: bytes, weights: bytes, *, adds_image: bool = False) -> onnx.ModelProto:
    """Convert a network.

    Args:
        param: Content of the .param file.
        weights: Content of the .bin file.
        adds_image: Whether to add the enlarged image to the output, as the program around some networks does.

    Returns:
        A model with the input "image", (1, C, H, W) of float32, and the output "upscaled", (1, C, h, w).

    Raises:
        ModelError: In one line, without the file's name: a file is damaged or cut off, the two are not of one network,
            a layer or one of its parameters is not supported, or there are several inputs or outputs.
    """
    layers = parse_param_file(param)
    if unknown := sorted({layer.kind for layer in layers} - set(SUPPORTED_LAYERS)):
        raise ModelError(
            f"ncnn layers {', '.join(unknown)} are not supported, only {', '.join(SUPPORTED_LAYERS)}; "
            "export the network as ONNX instead"
        )
    reader = WeightsReader(weights)
    graph, blobs = NcnnGraph(reader), dict[str, Blob]()
    for layer in layers:
        try:
            blobs |= _converted(layer, blobs, graph)
        except ModelError as error:
            raise ModelError(f"{layer}: {error}") from error
    reader.finish()
    output = _output(layers, blobs)
    return graph.finished(with_image(output, graph) if adds_image else output)


def _converted(layer: NcnnLayer, blobs: dict[str, Blob], graph: NcnnGraph) -> dict[str, Blob]:
    """The blobs that a layer writes."""
    for name in layer.outputs:
        if name in blobs:
            raise ModelError(f"writes {name!r}, which another layer wrote")
    if layer.kind == "Input":
        return _input(layer, blobs, graph)
    if missing := [name for name in layer.inputs if name not in blobs]:
        raise ModelError(f"reads {missing[0]!r}, which no layer before it writes: the file is damaged")
    convert, least = _CONVERTERS[layer.kind]
    if len(layer.inputs) < least:
        raise ModelError(f"has {len(layer.inputs)} inputs, fewer than {least}: the file is damaged")
    try:
        outputs = convert(layer, [blobs[name] for name in layer.inputs], graph)
    except ValueError as error:  # inputs in another number than the layer has
        raise ModelError(f"{len(layer.inputs)} inputs are not supported") from error
    if len(outputs) != len(layer.outputs):
        raise ModelError(f"{len(layer.outputs)} outputs are not supported")
    return dict(zip(layer.outputs, outputs, strict=True))


def _input(layer: NcnnLayer, blobs: dict[str, Blob], graph: NcnnGraph) -> dict[str, Blob]:
    if any(blob.tensor == "image" for blob in blobs.values()):
        raise ModelError("a second input; an upscaler has one input and one output")
    if len(layer.outputs) != 1:
        raise ModelError(f"{len(layer.outputs)} outputs are not supported")
    return {layer.outputs[0]: graph.image(layer.integer(2) or None)}  # its width and height are mere examples


def _output(layers: list[NcnnLayer], blobs: dict[str, Blob]) -> Blob:
    read = {name for layer in layers for name in layer.inputs}
    if not any(layer.kind == "Input" for layer in layers):
        raise ModelError("no layer Input; an upscaler has one input and one output")
    if len(outputs := [name for name in blobs if name not in read]) != 1:
        raise ModelError(
            f"{len(outputs)} outputs ({', '.join(outputs)[:80]}); an upscaler has one input and one output"
        )
    return blobs[outputs[0]]
