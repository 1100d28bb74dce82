"""The program of a stack: the kernels of a plan with their packed weights, which can be saved to a file."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.superres.gpu.fused.kernel import BlockGrid, KernelShape, LayerSegment
from pipeline.superres.gpu.fused.plan import KernelPlan
from pipeline.superres.gpu.fused.stack import ConvolutionStack, StackLayer
from pipeline.superres.gpu.fused.weights import pack_first, pack_inner, pack_joined, pack_last

_HEADER = "program"


@dataclass(frozen=True, eq=False)
class ProgramStep:
    """One kernel of a program.

    Attributes:
        segment: The layers that it computes.
        shape: How its work is divided.
        grid: How its blocks divide the frame.
        weights: Packed weights of its layers, float16.
        biases: (layers, widest) float32.
        slopes: (layers, widest) float16.
        operand: Number of the step whose output its epilogue reads; None without an epilogue.
        joined: Numbers of the steps whose outputs it joins; empty if it reads that of the one before, or the image.
    """

    segment: LayerSegment
    shape: KernelShape
    grid: BlockGrid
    weights: NDArray[np.float16]
    biases: NDArray[np.float32]
    slopes: NDArray[np.float16]
    operand: int | None
    joined: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class FusedProgram:
    """The steps that compute a stack, in order; each reads the output of the one before, unless it joins others.

    Attributes:
        steps: The kernels.
        reduction: Factor, up to 1, by which the output of the last one is then reduced.
    """

    steps: tuple[ProgramStep, ...]
    reduction: Fraction = Fraction(1)

    @property
    def width(self) -> int:
        """Channels between the steps."""
        return self.steps[0].segment.width

    def buffers(self) -> list[int]:
        """Assign each step but the last the number of a buffer to write, whose content no later step needs."""
        read_until = {number: number + 1 for number in range(len(self.steps) - 1)}
        for number, step in enumerate(self.steps):
            for read in (*step.joined, *([] if step.operand is None else [step.operand])):
                read_until[read] = max(read_until[read], number)
        buffers: list[int] = []
        for number in range(len(self.steps) - 1):
            busy = {buffers[earlier] for earlier in range(number) if read_until[earlier] >= number}
            buffers.append(next(buffer for buffer in range(number + 1) if buffer not in busy))
        return buffers

    def dump(self) -> bytes:
        """Serialize the program as an .npz file."""
        steps = [
            {
                "segment": asdict(step.segment),
                "shape": asdict(step.shape),
                "grid": asdict(step.grid),
                "operand": step.operand,
                "joined": step.joined,
            }
            for step in self.steps
        ]
        header = {"steps": steps, "reduction": self.reduction.as_integer_ratio()}
        arrays: dict[str, Any] = {_HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8)}
        for number, step in enumerate(self.steps):
            arrays |= {f"{name}{number}": getattr(step, name) for name in ("weights", "biases", "slopes")}
        file = io.BytesIO()
        np.savez(file, **arrays)
        return file.getvalue()

    @classmethod
    def load(cls, content: bytes) -> Self:
        """Restore a program from the bytes that `dump` returned. Raises ValueError for other content."""
        try:
            return cls._load(content)
        except (EOFError, KeyError, OSError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(f"not a program of fused kernels: {error}") from error

    @classmethod
    def _load(cls, content: bytes) -> Self:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            header = json.loads(arrays[_HEADER].tobytes())
            return cls(
                tuple(
                    ProgramStep(
                        LayerSegment(**fields["segment"] | {"smooth": tuple(fields["segment"]["smooth"])}),
                        KernelShape(**fields["shape"]),
                        BlockGrid(**fields["grid"]),
                        arrays[f"weights{number}"],
                        arrays[f"biases{number}"],
                        arrays[f"slopes{number}"],
                        fields["operand"],
                        tuple(fields["joined"]),
                    )
                    for number, fields in enumerate(header["steps"])
                ),
                Fraction(*header["reduction"]),
            )


def assemble(stack: ConvolutionStack, plan: KernelPlan) -> FusedProgram:
    """Pack the weights of `stack` for the kernels of `plan`."""
    step_of_layer = {part.start + part.segment.layers - 1: number for number, part in enumerate(plan)}
    steps = []
    for part in plan:
        layers = stack.layers[part.start : part.start + part.segment.layers]
        operand = layers[-1].operand
        arrays = _constants(part.segment, layers, part.shape.warpgroup)
        operand_step = None if operand is None else step_of_layer[operand]
        joined = tuple(step_of_layer[index] for index in layers[0].joined)
        steps.append(ProgramStep(part.segment, part.shape, part.grid, *arrays, operand_step, joined))
    return FusedProgram(tuple(steps), stack.reduction)


def _constants(
    segment: LayerSegment, layers: tuple[StackLayer, ...], warpgroup: bool
) -> tuple[NDArray[np.float16], NDArray[np.float32], NDArray[np.float16]]:
    """Pack weights, biases and slopes of a segment in the order in which its kernel reads them."""
    biases = np.zeros((len(layers), segment.widest), np.float32)
    slopes = np.ones((len(layers), segment.widest), np.float16)
    weights = []
    for index, layer in enumerate(layers):
        biases[index, : len(layer.bias)] = layer.bias
        slopes[index, : len(layer.slope)] = layer.slope
        if segment.first and index == 0:
            weights.append(pack_first(layer.weight, layer.ones_weight))
        elif layer.joined:
            weights.append(pack_joined(layer.weight))
        else:
            pack = pack_last if segment.last and index == len(layers) - 1 else pack_inner
            weights.append(pack(layer.weight, warpgroup))
    return np.concatenate(weights), biases, slopes
