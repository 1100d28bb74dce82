"""convolution.cu compiled for the CPU by a C++ compiler, run as programs of kernels, compared with NumPy in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.models import synthetic
from pipeline.superres.gpu.fused.kernel import KernelShape
from pipeline.superres.gpu.fused.program import assemble
from pipeline.superres.gpu.fused.recognition import recognise
from tests.superres.gpu.fused.emulator import plan_of, run_program
from tests.superres.gpu.fused.networks import (
    BILINEAR,
    NEAREST,
    Builder,
    etds_network,
    evaluated,
    joined_network,
    merging_network,
    stack_network,
)


@dataclass(frozen=True)
class Case:
    """A network, and how it is divided.

    Attributes:
        make: Makes the network.
        size: (H, W) of the image.
        warps: Warps of a block side by side, and below each other.
        rows: Rows that a warp computes in a step.
        most: Largest number of layers in a kernel.
        rows_each: Rows of the frame that a block computes.
        weights_in_shared: Whether weights are copied into shared memory.
        half_sums: Whether products are summed in fp16.
    """

    make: Callable[[], onnx.ModelProto]
    size: tuple[int, int]
    warps: tuple[int, int] = (1, 1)
    rows: int = 2
    most: int = 2
    rows_each: int = 4
    weights_in_shared: bool = True
    half_sums: bool = False

    def error(self, folder: Path, descending: bool = False) -> float:
        """The relative error of the emulated kernels."""
        stack = recognise(self.make())
        shape = KernelShape(*self.warps, self.rows, 1, self.weights_in_shared, self.half_sums)
        program = assemble(stack, plan_of(stack, shape, self.size, self.most, self.rows_each))
        image = np.random.default_rng(0).random((1, stack.planes, *self.size)).astype(np.float16)
        output = run_program(folder, program, image, stack.scale, descending)
        expected = evaluated(stack, image.astype(np.float32))
        return float(np.linalg.norm(output - expected) / np.linalg.norm(expected))


CASES = {
    "SPAN": Case(partial(synthetic.span, 8, 2, np.float32), (5, 37)),
    "layers merged, then a layer": Case(
        partial(merging_network, 16, images=4, inner=1, activation=Builder.silu), (9, 13), warps=(2, 1), rows=1
    ),
}
LONG_CASES = {
    "SPAN without fused layers": Case(partial(synthetic.span, 8, 1, np.float32), (9, 31), most=1),
    "SPAN of one pixel": Case(partial(synthetic.span, 8, 2, np.float32), (1, 1)),
    "SPAN of 24 channels": Case(partial(synthetic.span, 24, 1, np.float32), (2, 3), warps=(2, 1), rows_each=3),
    "SPAN x4 of 40 channels": Case(
        partial(synthetic.span, 40, 1, np.float32, scale=4), (7, 19), warps=(1, 2), rows_each=5
    ),
    "SPAN of 48 channels": Case(
        partial(synthetic.span, 48, 1, np.float32), (6, 35), warps=(1, 2), rows_each=6, weights_in_shared=False
    ),
    "one layer of 64 channels merged": Case(partial(merging_network, 64, images=1), (5, 17), warps=(2, 1)),
    "ETDS x3": Case(partial(etds_network, scale=3), (4, 33)),
    "layers joined": Case(partial(joined_network, width=16), (7, 20), warps=(2, 1)),
    "three layers in a kernel": Case(partial(stack_network, width=8, inner=4, residual=NEAREST), (11, 40), most=3),
    "bilinear residual x4": Case(partial(stack_network, width=16, scale=4, residual=BILINEAR), (5, 18)),
    "luma x3": Case(partial(stack_network, width=24, planes=1, scale=3), (6, 9), rows=3, rows_each=6),
}


@pytest.mark.parametrize("name", [*CASES, *(pytest.param(name, marks=pytest.mark.long) for name in LONG_CASES)])
def test_the_kernels_compute_the_network_and_write_nothing_else(name: str, tmp_path: Path) -> None:
    assert (CASES | LONG_CASES)[name].error(tmp_path) <= 1e-3


def test_sums_in_fp16_are_those_of_the_network_with_a_larger_error(tmp_path: Path) -> None:
    case = Case(partial(stack_network, width=24, inner=1, residual=NEAREST), (5, 19), warps=(2, 1))
    exact, rounded = (replace(case, half_sums=half_sums).error(tmp_path) for half_sums in (False, True))
    assert exact <= 1e-3
    assert exact < rounded <= 5e-3


def test_the_order_in_which_threads_run_changes_nothing(tmp_path: Path) -> None:
    """A missing barrier would: the threads run in turn, each up to its next barrier."""
    case = Case(partial(merging_network, 8, images=2, inner=1), (9, 20), warps=(1, 2), rows_each=9)
    assert case.error(tmp_path) == case.error(tmp_path, descending=True)
