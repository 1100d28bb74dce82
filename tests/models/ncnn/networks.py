"""Small ncnn networks for tests: their files are written here, and their ONNX models run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.models.ncnn.converter import convert_ncnn
from pipeline.system.onnx_runtime import load_onnx_runtime

Array = NDArray[Any]

FLOAT16_TAG = (0x01306B47).to_bytes(4, "little")
FLOAT32_TAG = bytes(4)


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def param(*layers: str) -> bytes:
    """A .param file of these layers."""
    lines = ["7767517", f"{len(layers)} {sum(int(layer.split()[3]) for layer in layers)}", *layers]
    return "\n".join(lines).encode() + b"\n"


def plain(*arrays: Array) -> bytes:
    """Arrays as a .bin file has them without a tag."""
    return b"".join(array.astype("<f4").tobytes() for array in arrays)


def tagged(array: Array) -> bytes:
    """Weights of float32 with their tag."""
    return FLOAT32_TAG + plain(array)


def tagged16(array: Array) -> bytes:
    """Weights of float16 with their tag, padded to four bytes."""
    content = array.astype("<f2").tobytes()
    return FLOAT16_TAG + content + bytes(-len(content) % 4)


def refusal(param_content: bytes, weights: bytes) -> str:
    """The message with which a network is refused; "" if it is converted."""
    try:
        convert_ncnn(param_content, weights)
    except ModelError as error:
        return str(error)
    return ""


def run(layers: tuple[str, ...] | list[str], weights: bytes, image: Array) -> Array:
    """The output of a network, (C, h, w), for an image, (C, H, W)."""
    model = convert_ncnn(param(*layers), weights)
    session = load_onnx_runtime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"image": image[None]})[0][0])


def run_layer(layer: str, weights: bytes, image: Array, extra: tuple[str, ...] = ()) -> Array:
    """The output of one layer, `KIND KEY=VALUE ...`, that reads an image of known channels."""
    kind, *parameters = layer.split()
    source = f"Input image 0 1 x 2={len(image)}"
    return run([source, *extra, f"{kind} tested 1 1 x y {' '.join(parameters)}"], weights, image)


def run_layer_on_two(layer: str, one: Array, other: Array) -> Array:
    """The output of a layer that reads two tensors, (C, H, W), which have the same channels."""
    kind, *parameters = layer.split()
    count = len(one)
    layers = [
        f"Input image 0 1 both 2={2 * count}",
        "Slice halves 1 2 both x z -23300=2,-233,-233",
        f"{kind} tested 2 1 x z y {' '.join(parameters)}",
    ]
    return run(layers, b"", np.concatenate([one, other]))


def convolved(image: Array, weight: Array, bias: Array, stride: tuple[int, int], dilation: tuple[int, int]) -> Array:
    """Cross-correlation of (C, H, W) with (O, C, kh, kw), term by term."""
    outputs, _, rows, columns = weight.shape
    height = (image.shape[1] - (rows - 1) * dilation[0] - 1) // stride[0] + 1
    width = (image.shape[2] - (columns - 1) * dilation[1] - 1) // stride[1] + 1
    result = np.zeros((outputs, height, width)) + bias[:, None, None]
    for row in range(rows):
        for column in range(columns):
            top, left = row * dilation[0], column * dilation[1]
            part = image[:, top : top + height * stride[0] : stride[0], left : left + width * stride[1] : stride[1]]
            result += np.einsum("oc,chw->ohw", weight[:, :, row, column], part[:, :height, :width])
    return result


def spread(image: Array, weight: Array, bias: Array, stride: int) -> Array:
    """Transposed convolution of (C, H, W) with (O, C, kh, kw), term by term, without cropping."""
    outputs, _, rows, columns = weight.shape
    _, height, width = image.shape
    result = np.zeros((outputs, (height - 1) * stride + rows, (width - 1) * stride + columns)) + bias[:, None, None]
    for row in range(rows):
        for column in range(columns):
            part = result[:, row : row + height * stride : stride, column : column + width * stride : stride]
            part[:, :height, :width] += np.einsum("oc,chw->ohw", weight[:, :, row, column], image)
    return result
