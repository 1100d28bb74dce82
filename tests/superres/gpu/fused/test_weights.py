"""Packed weights, against the layout of fragments that the PTX ISA states, element by element."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.superres.gpu.fused.weights import channel_order, pack_first, pack_inner, pack_joined, pack_last


def weights(outputs: int, inputs: int) -> NDArray[np.float32]:
    return np.random.default_rng(outputs).standard_normal((outputs, inputs, 3, 3)).astype(np.float16).astype(np.float32)


def held(packed: NDArray[np.float16], step: int, tiles: int, tile: int, lane: int) -> NDArray[np.float16]:
    """The four weights of a tile that a lane holds in a step: tiles stand in pairs, an odd one alone at the end."""
    of_step: NDArray[np.float16] = packed.reshape(-1, tiles * 128)[step]
    if tile < tiles // 2 * 2:
        return np.asarray(of_step[tile // 2 * 256 :][:256].reshape(32, 2, 4)[lane, tile % 2])
    return np.asarray(of_step[tile * 128 :][:128].reshape(32, 4)[lane])


def input_of(lane: int, index: int) -> int:
    """Which of a step's 16 inputs is the lane's weight 0 to 3: rows of B in mma.m16n8k16's fragment."""
    return 2 * (lane % 4) + index % 2 + 8 * (index // 2)


def wanted(weight: NDArray[np.float32], number: int, row: int, output: int) -> float:
    """Input `number` of a layer: the channels of the left column, then those of the middle one, then the right one."""
    outputs, inputs = weight.shape[:2]
    column, channel = divmod(number, inputs)
    return float(weight[output, channel, row, column]) if column < 3 and output < outputs else 0.0


@pytest.mark.parametrize("width", range(8, 65, 8))
def test_a_lane_holds_the_weights_of_its_inputs_and_output(width: int) -> None:
    weight, tiles = weights(width, width), width // 8
    packed, order = pack_inner(weight), channel_order(tiles)
    for step in range(-(-3 * tiles // 2)):
        for row in range(3):
            for tile in range(tiles):
                for lane in (0, 5, 18, 31):
                    expected = [
                        wanted(weight, 16 * step + input_of(lane, index), row, int(order[tile, lane // 4]))
                        for index in range(4)
                    ]
                    assert held(packed, 3 * step + row, tiles, tile, lane).tolist() == expected


@pytest.mark.parametrize("outputs", [4, 9, 12, 27, 48])
def test_the_last_layers_tiles_are_filled_up_with_zeros(outputs: int) -> None:
    weight, tiles = weights(outputs, 16), -(-outputs // 8)
    packed = pack_last(weight)
    for tile in range(tiles):
        for lane in range(32):
            expected = [wanted(weight, input_of(lane, index), 0, 8 * tile + lane // 4) for index in range(4)]
            assert held(packed, 0, tiles, tile, lane).tolist() == expected


@pytest.mark.parametrize("planes", [1, 3])
def test_the_first_layer_reads_four_columns_of_four_planes(planes: int) -> None:
    weight, order = weights(16, planes), channel_order(2)
    packed = pack_first(weight)
    for row in range(3):
        for tile in range(2):
            for lane in range(32):
                expected = []
                for index in range(4):
                    column, plane = divmod(input_of(lane, index), 4)
                    inside = column < 3 and plane < planes
                    expected.append(float(weight[order[tile, lane // 4], plane, row, column]) if inside else 0.0)
                assert held(packed, row, 2, tile, lane).tolist() == expected


def test_the_fourth_plane_has_the_weights_of_ones() -> None:
    weight, ones, order = weights(16, 3), weights(16, 1)[:, 0], channel_order(2)
    packed = pack_first(weight, ones)
    for row, tile, lane, index in np.ndindex(3, 2, 32, 4):
        column, plane = divmod(input_of(lane, index), 4)
        output = order[tile, lane // 4]
        expected = (
            0.0 if column == 3 else ones[output, row, column] if plane == 3 else weight[output, plane, row, column]
        )
        assert held(packed, row, 2, tile, lane)[index] == expected


@pytest.mark.parametrize("images", [1, 4])
@pytest.mark.parametrize("width", range(8, 65, 8))
def test_a_lane_holds_the_weights_of_the_channels_that_it_loads_of_each_joined_image(width: int, images: int) -> None:
    weight = weights(width, images * width)[:, :, :1, :1]
    packed, tiles, order = pack_joined(weight), width // 8, channel_order(width // 8)
    steps = -(-tiles // 2)  # of each image
    assert packed.size == images * steps * tiles * 128
    for image, step, tile in np.ndindex(images, steps, tiles):
        for lane in (0, 5, 18, 31):
            expected = []
            for index in range(4):
                number = input_of(lane, index)
                chunk, output = 2 * step + number // 8, order[tile, lane // 4]
                exists = chunk < tiles
                channel = order[chunk, number % 8] if exists else 0
                expected.append(weight[output, image * width + channel, 0, 0] if exists else 0.0)
            assert held(packed, image * steps + step, tiles, tile, lane).tolist() == expected


@pytest.mark.parametrize("tiles", range(1, 9))
def test_every_channel_has_one_column_and_the_channels_of_a_lane_are_neighbours(tiles: int) -> None:
    order = channel_order(tiles)
    assert sorted(order.ravel()) == list(range(8 * tiles))
    for q in range(4):
        channels = order[: tiles // 4 * 4, 2 * q : 2 * q + 2].reshape(-1, 8)
        assert (np.diff(channels, axis=1) == 1).all()


@pytest.mark.parametrize("width", [32, 40, 64])
def test_wgmma_reads_matrices_of_8_outputs_by_8_inputs(width: int) -> None:
    weight, tiles = weights(width, width), width // 8
    order, steps = channel_order(tiles), -(-3 * tiles // 2)
    packed = pack_inner(weight, warpgroup=True).reshape(
        steps, 3, 2, tiles, 8, 8
    )  # (step, row, chunk, tile, output, input)
    for step, row, chunk, tile, output, channel in np.ndindex(2, 3, 2, tiles, 8, 8):
        expected = wanted(weight, 16 * step + 8 * chunk + channel, row, int(order[tile, output]))
        assert packed[step, row, chunk, tile, output, channel] == expected
