"""The cached choices between fused kernels and TensorRT, with the programs of fused kernels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pipeline.superres.choice_file import describe_rates, read_choice, write_choice
from pipeline.superres.gpu.fused.candidates import FP32_SUMS, Instruction
from pipeline.superres.gpu.fused.kernel import SOURCE_FILE
from pipeline.superres.gpu.fused.program import FusedProgram
from pipeline.superres.gpu.kernels import kernel_source
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.network import EngineResources
from pipeline.system.cache import read_executable, write_cached

_CHOICE, _PROGRAM, _LOCK = ".choice.json", ".fused.npz", ".choice.lock"  # suffixes of the cached files


@dataclass(frozen=True)
class NetworkChoice:
    """The choice for one model, image size and GPU.

    Attributes:
        model: Name of the model.
        size: "WIDTHxHEIGHT" of the images.
        gpu: Product name of the GPU.
        winner: "fused" or "tensorrt".
        reason: Why the other one does not run; "" if it does.
        fused: Frames/s of the fused kernels, one lane; None if they do not run.
        tensorrt: Frames/s of TensorRT, one context; None if it does not run.
    """

    model: str
    size: str
    gpu: str
    winner: str
    reason: str = ""
    fused: float | None = None
    tensorrt: float | None = None


def describe_choice(choice: NetworkChoice) -> str:
    """Describe the choice in one line: the winner, and either the rates or why the other one does not run."""
    if choice.fused is None:
        return f"TensorRT is used; fused kernels can't compute the network: {choice.reason}"
    if choice.tensorrt is None:
        return f"fused kernels are used, {choice.fused:.0f} frames/s; TensorRT can't be used: {choice.reason}"
    return describe_rates({"fused kernels": choice.fused, "TensorRT": choice.tensorrt})


class ChoiceRecord:
    """The cached files of one choice: the choice itself, and the program of fused kernels.

    Attributes:
        height: Height of the images.
        width: Width of the images.
        instructions: What may multiply in the fused kernels.
        lock_path: File to lock while the choice is made.
    """

    def __init__(
        self, resources: EngineResources, height: int, width: int, instructions: tuple[Instruction, ...] = FP32_SUMS
    ) -> None:
        self.height, self.width, self.instructions = height, width, instructions
        known = (resources.key(Shapes.fixed(height, width)).digest, kernel_source(SOURCE_FILE), instructions)
        digest = hashlib.sha256(repr(known).encode()).hexdigest()[:32]
        self._choice, self._program, self.lock_path = (
            resources.cache.folder / f"{digest}{suffix}" for suffix in (_CHOICE, _PROGRAM, _LOCK)
        )

    def choice(self) -> NetworkChoice | None:
        """Read the choice; None if the file is missing or damaged."""
        return read_choice(self._choice, NetworkChoice)

    def program(self) -> FusedProgram | None:
        """Read the program of fused kernels; None if the file is missing or damaged."""
        try:
            return FusedProgram.load(read_executable(self._program))
        except (OSError, ValueError):
            return None

    def write_program(self, program: FusedProgram) -> None:
        """Cache a program that was compared with ONNX Runtime."""
        write_cached(self._program, program.dump())

    def write_choice(self, choice: NetworkChoice) -> None:
        """Cache the choice."""
        write_choice(self._choice, choice)


def cached_choices(cache: EngineCache) -> list[NetworkChoice]:
    """The choices in `cache`."""
    paths = sorted(cache.folder.glob(f"*{_CHOICE}"))
    return [choice for path in paths if (choice := read_choice(path, NetworkChoice))]


def remove_choices(cache: EngineCache, usable_gpus: set[str], everything: bool = False) -> int:
    """Remove cached choices with their programs.

    Args:
        cache: The cache.
        usable_gpus: Product names of this machine's GPUs: only choices for other GPUs, and damaged files, are removed.
        everything: Remove all choices and programs.

    Returns:
        The number of bytes freed.
    """
    removed: set[Path] = set(cache.folder.glob(f"*{_PROGRAM}")) if everything else set()
    for path in cache.folder.glob(f"*{_CHOICE}"):
        choice = read_choice(path, NetworkChoice)
        if everything or choice is None or choice.gpu not in usable_gpus:
            removed |= {path, path.with_name(path.name.replace(_CHOICE, _PROGRAM))}
    size = sum(file.stat().st_size for file in removed if file.exists())
    for file in removed:
        file.unlink(missing_ok=True)
    return size
