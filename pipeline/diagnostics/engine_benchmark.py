"""`uprez bench --engines`: the rates and errors of all engines on several networks, on one GPU in one run.

Each engine runs on complete frames of a textured image that is already on the GPU: no copies, no colour conversion, no
codecs. Engines are built for the run and not cached, so that all are built alike; compiled kernels are cached.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.diagnostics.engine_report import ENGINE_TITLES, EngineReport, EngineRow, gpu_details
from pipeline.diagnostics.host_facts import host_facts
from pipeline.errors import BackendError, UprezError
from pipeline.models import catalogue
from pipeline.models.spec import HeightWidth
from pipeline.superres.gpu import validation
from pipeline.superres.gpu.fused.candidates import LEAST_WGMMA_WIDTH, Instruction
from pipeline.superres.gpu.fused.program import FusedProgram
from pipeline.superres.gpu.fused.recognition import recognise
from pipeline.superres.gpu.fused.stack import UnknownStructure
from pipeline.superres.gpu.lane_rate import frames_per_second
from pipeline.superres.gpu.network_choice import GpuNetwork, build_fused
from pipeline.superres.gpu.tensorrt.engine import EngineKey
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.library import load_if_installed
from pipeline.superres.gpu.tensorrt.network import EngineResources, Network
from pipeline.superres.output_check import textured_image
from pipeline.system.cuda import Gpu, GpuFacts, gpu_errors

NETWORKS = ("clear-x2", "srvgg-16x8", "srvgg-24x8", "srvgg-32x8", "srvgg-48x8", "srvgg-64x16", "span-48x6")
SIZES = ((960, 540), (1920, 1080))

_IMAGE = "smooth random shapes with grain, as large as the frame"
_INSTRUCTIONS: dict[str, Instruction] = {"fused-mma": "mma", "fused-wgmma": "wgmma", "fused-fp16acc": "mma-fp16"}


@dataclass(frozen=True)
class EngineBenchmarkOptions:
    """What to measure.

    Attributes:
        networks: Names of networks, or paths of .onnx files.
        sizes: (width, height) of the input in pixels.
        library: "rtx", "tensorrt", or "auto": the first that is installed.
        device: Number of the GPU.
        seconds: How long to measure each rate.
    """

    networks: tuple[str, ...] = NETWORKS
    sizes: tuple[tuple[int, int], ...] = SIZES
    library: str = "auto"
    device: int = 0
    seconds: float = 0.3


def benchmark_engines(
    options: EngineBenchmarkOptions,
    on_step: Callable[[str], None] = lambda _: None,
    on_row: Callable[[EngineReport], None] = lambda _: None,
) -> EngineReport:
    """Measure all engines on all networks and sizes. An engine that fails is a row with the reason.

    Args:
        options: What to measure.
        on_step: Called with the name of each measurement as it begins.
        on_row: Called with the report so far after each measurement, so that nothing is lost if a GPU ends the process.

    Raises:
        BackendError: There is no such GPU, or the TensorRT library that `options` request is not installed.
    """
    gpu = Gpu(options.device)
    report = EngineReport(
        **host_facts((options.device,)).model_dump(),
        details=gpu_details(gpu),
        seconds=options.seconds,
        image=_IMAGE,
        rows=[],
    )
    cases = list(_cases(options, gpu))
    steps = [(case, engine) for case in cases for engine in ENGINE_TITLES]
    for number, (case, engine) in enumerate(steps, 1):
        on_step(f"{number} of {len(steps)}: {case.network} {case.size}, {ENGINE_TITLES[engine]}")
        report.rows.append(case.measure(engine))
        on_row(report)
    return report


def _cases(options: EngineBenchmarkOptions, gpu: Gpu) -> Iterator[EngineCase]:
    library = load_if_installed(options.library)
    for network in options.networks:
        for width, height in options.sizes:
            model = catalogue.find(network, "fp16")
            resources = EngineResources(gpu, library, UncachedEngines(), model)
            yield EngineCase(network, (height, width), resources, options.seconds)


class UncachedEngines(EngineCache):
    """A cache that stores nothing: each engine is built again, and not validated."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"))

    def fetch(
        self,
        key: EngineKey,
        model: str,
        load: Callable[[bytes], Any],
        build: Callable[[], bytes],
        validate: Callable[[Any], None] = lambda engine: None,
    ) -> Any:
        """Build an engine and load it. Raises BackendError if it does not load."""
        engine = load(build())
        if engine is None:
            raise BackendError("the engine was built but does not load on this GPU: run `uprez doctor`")
        return engine


@dataclass(frozen=True)
class EngineCase:
    """One network at one size, on which all engines are measured.

    Attributes:
        network: Name of the network.
        height_width: (H, W) of the images.
        resources: GPU, library and model.
        seconds: How long to measure each rate.
    """

    network: str
    height_width: HeightWidth
    resources: EngineResources
    seconds: float

    @property
    def size(self) -> str:
        """WIDTHxHEIGHT."""
        height, width = self.height_width
        return f"{width}x{height}"

    def measure(self, engine: str) -> EngineRow:
        """Build and measure one of ENGINE_TITLES. If it fails, the row has what was measured before, and the reason."""
        row = EngineRow(network=self.network, size=self.size, engine=engine)
        try:
            with gpu_errors(f"measuring {ENGINE_TITLES[engine]}"), ExitStack() as opened:
                image, started = self._image, time.perf_counter()
                network, row.kernels = self._open(engine)
                opened.enter_context(closing(network))
                row.library = network.title
                first = opened.enter_context(closing(network.lane()))
                output = first.run_once(image)
                row.build_seconds = time.perf_counter() - started
                row.relative_error, row.worst_error = self._errors(output)
                row.one_lane = frames_per_second([first], self.seconds)
                second = opened.enter_context(closing(network.lane()))
                second.run_once(image)
                row.two_lanes = frames_per_second([first, second], self.seconds)
        except UnknownStructure as error:
            row.reason = f"fused kernels can't compute it: it has {error}"
        except UprezError as error:
            row.reason = str(error)
        return row

    def _open(self, engine: str) -> tuple[GpuNetwork, list[str] | None]:
        """Build an engine; for fused kernels, with a description of each."""
        if engine in _INSTRUCTIONS:
            return self._open_fused(_INSTRUCTIONS[engine])
        is_rewritten = engine == "tensorrt-max"
        if is_rewritten and not _has_prelu(self.resources.model.path):
            raise BackendError("the network has no PReLU")
        return Network(replace(self.resources, prelu_as_max=is_rewritten), *self.height_width), None

    def _open_fused(self, instruction: Instruction) -> tuple[GpuNetwork, list[str]]:
        model, gpu = self.resources.model, self.resources.gpu
        if instruction == "wgmma":
            _check_wgmma(model.path, gpu.facts)
        network, program = build_fused(gpu, model, self.height_width, (instruction,))
        return network, describe_kernels(program)

    def _errors(self, output: NDArray[Any]) -> tuple[float, float]:
        """Relative error, and the worst one in levels of 8 bit."""
        part, expected = self._reference.of(output).astype(np.float64), self._reference.expected
        if not np.isfinite(part).all():
            raise BackendError("its output is not finite")
        difference = part - expected
        worst = float(np.abs(difference).max()) / self.resources.model.value_range
        return float(np.linalg.norm(difference) / np.linalg.norm(expected)), 255 * worst

    @cached_property
    def _image(self) -> NDArray[Any]:
        return textured_image(*self.height_width, self.resources.model)

    @cached_property
    def _reference(self) -> validation.ReferencePart:
        exact = catalogue.find(self.network, "fp32")
        return validation.reference_part(exact, self._image.astype(exact.dtype))


def describe_kernels(program: FusedProgram) -> list[str]:
    """Each kernel of a program in a few words, such as "layers 1 to 2, 4x1x3, 2 blocks, mma"."""
    lines, done = [], 0
    for step in program.steps:
        shape, begin = step.shape, done + 1
        done += step.segment.layers
        layers = f"layer {begin}" if done == begin else f"layers {begin} to {done}"
        instruction = "wgmma" if shape.warpgroup else "mma-fp16" if shape.half_sums else "mma"
        lines.append(f"{layers}, {shape.warps_x}x{shape.warps_y}x{shape.rows}, {shape.blocks} blocks, {instruction}")
    return lines


def _check_wgmma(path: Path, gpu: GpuFacts) -> None:
    """Raise BackendError if there are no kernels with wgmma for a network on this GPU."""
    import onnx

    if not gpu.has_wgmma:
        raise BackendError(f"only compute capability 9.0 has wgmma; this GPU has {gpu.capability}")
    width = recognise(onnx.load(path)).width
    if width < LEAST_WGMMA_WIDTH:
        raise BackendError(f"there are no kernels with wgmma for layers of {width} channels")


def _has_prelu(path: Path) -> bool:
    import onnx

    return any(node.op_type == "PRelu" for node in onnx.load(path).graph.node)
