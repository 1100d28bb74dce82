"""Packing of a layer's weights in the order in which the lanes of a warp read them: the B fragments of mma.m16n8k16.

Of a 16x8 tile (16 inputs, 8 output channels), lane l holds inputs 2 (l % 4), + 1, + 8 and + 9 of output l // 4 (PTX
ISA, "Matrix fragments for mma.m16n8k16 with floating point type"). Inputs are counted over the three columns of the
kernel and, within each, the channels in chunks of 8; a step has two chunks. Tiles are stored in pairs, so that a lane
reads 16 bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CHUNK = 8
IMAGE_PLANES = 4  # planes of the image in memory: red, green, blue and zero

Halves = NDArray[np.float16]

_LANE = np.arange(32)
_OUTPUT = _LANE // 4  # output channel of a tile that each lane holds


def channel_order(tiles: int) -> NDArray[np.int64]:
    """The output channels, (tiles, 8), in the columns of each tile of an inner layer.

    A lane holds columns 2q and 2q + 1 of every tile. These are assigned channels that are neighbours in memory, over
    four tiles, then two, then one, so that a lane stores a pixel in pieces of 16, 8 and 4 bytes. The function `channel`
    in convolution.cu calculates the same.
    """
    fours = tiles // 4 * 4
    order = np.empty((tiles, 8), np.int64)
    for tile in range(tiles):
        q, odd = np.arange(8) // 2, np.arange(8) % 2
        if tile < fours:
            first = tile // 4 * 32 + q * 8 + tile % 4 * 2
        elif tiles % 4 >= 2 and tile < fours + 2:
            first = fours * 8 + q * 4 + (tile - fours) * 2
        else:
            first = (tiles - 1) * 8 + q * 2
        order[tile] = first + odd
    return order


def pack_first(weight: NDArray[np.float32], ones_weight: NDArray[np.float32] | None = None) -> Halves:
    """Pack the weights, (outputs, planes, 3, 3), of the first layer: 16 inputs are 4 columns of 4 planes.

    The fourth plane has the weights `ones_weight`, (outputs, 3, 3).
    """
    outputs, planes = weight.shape[:2]
    inputs = np.zeros((outputs, 3, IMAGE_PLANES, IMAGE_PLANES), np.float32)  # (output, row, column, plane)
    inputs[:, :, :3, :planes] = weight.transpose(0, 2, 3, 1)
    if ones_weight is not None:
        inputs[:, :, :3, IMAGE_PLANES - 1] = ones_weight
    by_row = inputs.reshape(outputs, 3, 2, CHUNK).transpose(1, 2, 3, 0)  # (row, chunk, input of the chunk, output)
    return _fragments(by_row[:, :, :, channel_order(outputs // 8)])


def pack_joined(weight: NDArray[np.float32]) -> Halves:
    """Pack the weights, (outputs, images * outputs, 1, 1), of a 1x1 convolution of concatenated images.

    A lane multiplies the channels of each image that it would store: `channel_order` is that of inputs and outputs.
    """
    outputs, inputs = weight.shape[:2]
    order = channel_order(outputs // CHUNK)
    chunks = weight.reshape(outputs, inputs // outputs, outputs)[:, :, order]  # (output, image, chunk, input)
    if chunks.shape[2] % 2:
        chunks = np.concatenate([chunks, np.zeros_like(chunks[:, :, :1])], axis=2)
    steps = chunks.reshape(outputs, -1, 2, CHUNK).transpose(1, 2, 3, 0)  # (step, chunk of the step, input, output)
    return _fragments(steps[:, :, :, order])


def pack_inner(weight: NDArray[np.float32], warpgroup: bool = False) -> Halves:
    """Pack the weights, (outputs, inputs, 3, 3), of a layer between two others, for wgmma or (by default) for mma."""
    steps = _by_step(weight)[:, :, :, channel_order(len(weight) // 8)]
    return _core_matrices(steps) if warpgroup else _fragments(steps)


def pack_last(weight: NDArray[np.float32], warpgroup: bool = False) -> Halves:
    """Pack the weights, (planes * scale², inputs, 3, 3), of the last layer, whose tiles are filled up with zeros."""
    outputs = len(weight)
    tiles = -(-outputs // 8)
    filled = np.zeros((8 * tiles, *weight.shape[1:]), np.float32)
    filled[:outputs] = weight
    steps = _by_step(filled)[:, :, :, np.arange(8 * tiles).reshape(tiles, 8)]
    return _core_matrices(steps) if warpgroup else _fragments(steps)


def _by_step(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rearrange (outputs, inputs, 3, 3) to (step and row, chunk of the step, input of the chunk, output)."""
    outputs, inputs = weight.shape[:2]
    chunks = weight.transpose(2, 3, 1, 0).reshape(
        3, 3 * (inputs // CHUNK), CHUNK, outputs
    )  # (row, chunk, input, output)
    if chunks.shape[1] % 2:
        chunks = np.concatenate([chunks, np.zeros_like(chunks[:, :1])], axis=1)
    steps = chunks.reshape(3, -1, 2, CHUNK, outputs).transpose(1, 0, 2, 3, 4)
    return steps.reshape(-1, 2, CHUNK, outputs)


def _fragments(steps: NDArray[np.float32]) -> Halves:
    """Flatten (steps, 2 chunks, 8 inputs, tiles, 8 outputs) in the order in which the lanes read it."""
    first_input = 2 * (_LANE % 4)
    count, tiles = len(steps), steps.shape[3]
    lanes = np.empty((count, tiles, 32, 2, 2), np.float16)  # (step, tile, lane, chunk, input)
    for chunk in range(2):
        for following in range(2):
            lanes[:, :, :, chunk, following] = steps[:, chunk, first_input + following, :, _OUTPUT].transpose(1, 2, 0)
    paired = tiles // 2 * 2
    pairs = lanes[:, :paired].reshape(count, -1, 2, 32, 4).transpose(0, 1, 3, 2, 4).reshape(count, -1)
    return np.concatenate([pairs, lanes[:, paired:].reshape(count, -1)], axis=1).ravel()


def _core_matrices(steps: NDArray[np.float32]) -> Halves:
    """Flatten (steps, 2 chunks, 8 inputs, tiles, 8 outputs) to the matrices of 8 outputs by 8 inputs of wgmma."""
    return steps.transpose(0, 1, 3, 4, 2).astype(np.float16).ravel()
