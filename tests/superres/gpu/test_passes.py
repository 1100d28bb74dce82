"""Memory of the passes. They run on a GPU in tests/gpu."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.passes import memory_bytes, tensor_bytes
from pipeline.superres.tiling import Tiling

MODEL = ModelSpec("model", Path(), "", 2, np.dtype(np.float16), "input", "output")


def test_a_tensor_has_the_size_of_its_elements() -> None:
    assert tensor_bytes(MODEL, 10, 20) == 3 * 10 * 20 * 2
    assert tensor_bytes(MODEL, 10, 20, enlarged=True) == 4 * 3 * 10 * 20 * 2


def test_a_complete_frame_needs_both_tensors_once() -> None:
    assert memory_bytes(MODEL, Tiling(64, 32, 64, 32)) == 5 * tensor_bytes(MODEL, 64, 32)


def test_tiles_need_the_tensors_of_a_tile_and_of_the_frame() -> None:
    expected = 5 * (tensor_bytes(MODEL, 64, 64) + tensor_bytes(MODEL, 32, 32))
    assert memory_bytes(MODEL, Tiling(64, 64, 32, 32)) == expected


def test_a_luma_network_needs_the_rgb_tensor_too() -> None:
    luma = replace(MODEL, order="y")
    frame = 64 * 32 * 2
    assert memory_bytes(luma, Tiling(64, 32, 64, 32)) == frame * (1 + 4 + 3 * 4)


def test_frames_of_another_size_need_the_resampled_tensor_too(small_format: FrameFormat) -> None:
    tiling, output = Tiling(64, 32, 64, 32), small_format.resized(100, 50)
    assert memory_bytes(MODEL, tiling, output=output) - memory_bytes(MODEL, tiling) == 3 * 100 * 50 * 2
    assert memory_bytes(MODEL, tiling, output=small_format.resized(128, 64)) == memory_bytes(MODEL, tiling)
