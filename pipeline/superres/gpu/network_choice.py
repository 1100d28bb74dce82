"""The choice between fused kernels and a TensorRT engine for a network on a GPU, by one measurement.

The first time that a model is opened for an image size on a GPU, both are built, compared with ONNX Runtime, and timed.
The choice is cached with the measured rates; from then on only the faster one is opened.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from pipeline.errors import BackendError, ModelError, OutOfMemory
from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.gpu import validation
from pipeline.superres.gpu.choice_cache import ChoiceRecord, NetworkChoice, describe_choice
from pipeline.superres.gpu.fused.candidates import ALL_INSTRUCTIONS, FP32_SUMS, Instruction
from pipeline.superres.gpu.fused.network import FusedNetwork
from pipeline.superres.gpu.fused.plan import KernelPlanner
from pipeline.superres.gpu.fused.program import FusedProgram, assemble
from pipeline.superres.gpu.fused.recognition import recognise
from pipeline.superres.gpu.fused.stack import UnknownStructure
from pipeline.superres.gpu.lane_rate import frames_per_second
from pipeline.superres.gpu.network_cascade import CascadeNetwork
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.library import load_if_installed
from pipeline.superres.gpu.tensorrt.network import EngineResources, Network
from pipeline.system.cache import cache_lock
from pipeline.system.cuda import Gpu, gpu_errors

if TYPE_CHECKING:
    import onnx
    from cuda.core import Buffer, Stream

log = logging.getLogger(__name__)

FUSED_ENGINES: dict[str, tuple[Instruction, ...]] = {"fused": FP32_SUMS, "fused-fp16acc": ALL_INSTRUCTIONS}
"""The settings of `engine` that choose fused kernels, with the instructions that may multiply.

Sums in fp16 are used only where requested: their error is two to three times that of sums in fp32 (docs/kernels.md).
"""

_LEAST_CAPABILITY = (8, 0)  # cp.async and mma.m16n8k16 exist since compute capability 8.0


class GpuLane(Protocol):
    """The tensors of one image at a time, and the stream on which the network computes."""

    stream: Stream
    input: Buffer
    output: Buffer

    def run(self) -> None: ...
    def run_once(self, image: NDArray[Any]) -> NDArray[Any]: ...
    def close(self) -> None: ...


class GpuNetwork(Protocol):
    """A network on one GPU for images of one size: fused kernels (FusedNetwork), TensorRT (Network), or several such
    networks (CascadeNetwork)."""

    model: ModelSpec
    context_bytes: int

    @property
    def title(self) -> str: ...
    @property
    def interleaved(self) -> bool: ...
    @property
    def has_fixed_size(self) -> bool: ...
    def lane(self, stream: Stream | None = None) -> GpuLane: ...
    def save_runtime_cache(self) -> None: ...
    def close(self) -> None: ...


def open_network(
    resources: EngineResources, engine: str, height: int, width: int, shapes: Shapes | None = None
) -> GpuNetwork:
    """Open the fused kernels or the TensorRT engine of a model for images of `height` x `width`.

    Args:
        resources: GPU, library, cache and model.
        engine: "auto" for the faster one, "fused" or "fused-fp16acc", or a TensorRT library.
        height: Height of the images.
        width: Width of the images.
        shapes: Image sizes that a TensorRT engine must support; None for this size alone.

    Raises:
        ModelError: `engine` is one of FUSED_ENGINES, and the fused kernels can't compute the model.
        OutOfMemory, BackendError: The network can't be built or used. All resources are released.
    """
    model = resources.model
    if model.steps:
        return _open_cascade(resources, engine, (height, width), is_fixed=shapes is not None)
    is_half = _is_half(model)
    if engine in FUSED_ENGINES and not is_half:
        raise ModelError(
            f"`engine` {engine} computes in fp16, and {model.name} is {model.precision}: "
            "set `precision` to fp16, or `engine` to auto"
        )
    if engine not in ("auto", *FUSED_ENGINES) or shapes is not None or not is_half:
        return Network(resources, height, width, shapes)
    record = ChoiceRecord(resources, height, width, FUSED_ENGINES.get(engine, FP32_SUMS))
    with cache_lock(record.lock_path):  # measurements by two processes at the same time would disturb each other
        choice = record.choice()
        is_fused = engine in FUSED_ENGINES or (choice is not None and choice.winner == "fused")
        if is_fused and (program := record.program()):
            return FusedNetwork(resources.gpu, model, program, (height, width))
        if engine in FUSED_ENGINES:
            return _open_only_fused(resources, record, engine)
        if is_fused or choice is None:
            return _open_faster(resources, record)
    return Network(resources, height, width)


def _open_cascade(resources: EngineResources, engine: str, size: HeightWidth, is_fixed: bool) -> CascadeNetwork:
    """Open the networks of a cascade, each by its own choice."""
    model, (height, width) = resources.model, size
    networks: list[GpuNetwork] = []
    with ExitStack() as opened:
        for step in model.steps:
            shapes = Shapes.fixed(height, width) if is_fixed else None
            networks.append(open_network(replace(resources, model=step), engine, height, width, shapes))
            opened.callback(networks[-1].close)
            height, width = height * step.scale, width * step.scale
        cascade = CascadeNetwork(resources.gpu, model, networks, size)
        opened.pop_all()
    return cascade


def fused_objection(model: ModelSpec) -> str | None:
    """The reason why fused kernels can't compute `model` on any GPU, for users; None if they can."""
    if model.steps:
        objections = {step.name: fused_objection(step) for step in model.steps}
        return next((f"{name}: {objection}" for name, objection in objections.items() if objection), None)
    if not _is_half(model):
        return f"it is {model.precision}, and they compute in fp16"
    try:
        recognise(_load_onnx(model.path))
    except UnknownStructure as error:
        return _reason(error)
    return None


def prebuild_network(model: ModelSpec, size: HeightWidth, device: int, engine: str, cache: EngineCache) -> str:
    """Choose and build the network of `model` for images of `size`, (H, W), unless it is cached already.

    Returns:
        Title of the network, for tables.

    Raises:
        BackendError, ModelError: There is no GPU, or the network can't be built.
    """
    resources = EngineResources(Gpu(device), load_if_installed(engine), cache, model)
    with gpu_errors("building the network"), closing(open_network(resources, engine, *size)) as network:
        with closing(network.lane()) as lane:
            lane.run()
            lane.stream.sync()
            network.save_runtime_cache()
        return network.title


@dataclass(frozen=True)
class _Candidate:
    """One of the two networks to choose from.

    Attributes:
        network: The open network; None if it does not run.
        rate: Frames/s; None if it does not run.
        error: Why it does not run.
    """

    network: GpuNetwork | None = None
    rate: float | None = None
    error: BackendError | ModelError | None = None


def _open_faster(resources: EngineResources, record: ChoiceRecord) -> GpuNetwork:
    """Build and measure both networks, cache the choice, and return the faster one."""
    model, size = resources.model, f"{record.width}x{record.height}"
    step = "comparing fused kernels with TensorRT" if resources.library else "building fused kernels"
    log.warning("%s for %s at %s: about 15 seconds, once", step, model.name, size)
    with ExitStack() as opened:
        fused = _measure(opened, partial(_open_fused, resources, record))
        tensorrt = _measure(opened, partial(Network, resources, record.height, record.width))
        if tensorrt.error and fused.network is None:
            assert fused.error is not None
            if resources.library:
                raise tensorrt.error
            raise BackendError(f"{tensorrt.error}; fused kernels can't be used either: {_reason(fused.error)}")
        fused_wins = fused.network is not None and (fused.rate or 0) >= (tensorrt.rate or 0)
        winner, loser = (fused, tensorrt) if fused_wins else (tensorrt, fused)
        choice = NetworkChoice(
            model=model.name,
            size=size,
            gpu=resources.gpu.facts.name,
            winner="fused" if fused_wins else "tensorrt",
            reason=_reason(loser.error) if loser.error else "",
            fused=fused.rate,
            tensorrt=tensorrt.rate,
        )
        if not isinstance(loser.error, OutOfMemory):  # there may be more memory next time
            record.write_choice(choice)
        log.warning("%s at %s: %s", model.name, size, describe_choice(choice))
        opened.pop_all()
    if loser.network is not None:
        loser.network.close()
    assert winner.network is not None
    return winner.network


def _is_half(model: ModelSpec) -> bool:
    return model.precision == "fp16" and model.dtype.itemsize == 2


def _open_only_fused(resources: EngineResources, record: ChoiceRecord, engine: str) -> FusedNetwork:
    """Build the fused kernels, with an error for the user if the model's structure is not supported."""
    name = resources.model.name
    log.warning("building fused kernels for %s at %dx%d: about 15 seconds, once", name, record.width, record.height)
    try:
        return _open_fused(resources, record)
    except UnknownStructure as error:
        raise ModelError(f"`engine` {engine} can't compute {name}: {_reason(error)}; set `engine` to auto") from error


def _measure(opened: ExitStack, open_candidate: Callable[[], GpuNetwork]) -> _Candidate:
    """Open a network and measure its rate. If both succeed, `opened` closes the network."""
    try:
        with gpu_errors("measuring a network"), ExitStack() as candidate:
            network = open_candidate()
            candidate.callback(network.close)
            with closing(network.lane()) as lane:
                rate = frames_per_second([lane])
            opened.push(candidate.pop_all())
        return _Candidate(network, rate)
    except (BackendError, ModelError) as error:
        return _Candidate(error=error)


def _open_fused(resources: EngineResources, record: ChoiceRecord) -> FusedNetwork:
    """Build, validate and cache the fused kernels; see `build_fused`."""
    size = record.height, record.width
    network, program = build_fused(resources.gpu, resources.model, size, record.instructions)
    with gpu_errors("validating fused kernels"), ExitStack() as opened:
        opened.callback(network.close)
        with closing(network.lane()) as lane:
            validation.validate_engine(resources.model, lane.run_once, *size)
        record.write_program(program)
        opened.pop_all()
    return network


def build_fused(
    gpu: Gpu, model: ModelSpec, size: HeightWidth, instructions: Collection[Instruction]
) -> tuple[FusedNetwork, FusedProgram]:
    """Plan and compile fused kernels, without validating them.

    Args:
        gpu: The GPU.
        model: The network, in fp16.
        size: (H, W) of the images.
        instructions: What may multiply.

    Raises:
        UnknownStructure: The fused kernels don't support the model's structure.
        BackendError: They can't be compiled. All resources are released.
    """
    capability = tuple(map(int, gpu.facts.capability.split(".")))
    if capability < _LEAST_CAPABILITY:
        raise BackendError(
            f"fused kernels need compute capability 8.0 or later, {gpu.facts.name} has {gpu.facts.capability}: "
            "set `engine` to auto"
        )
    stack = recognise(_load_onnx(model.path))
    with gpu_errors("building fused kernels"):
        program = assemble(stack, KernelPlanner(gpu, stack, *size, instructions).plan())
        return FusedNetwork(gpu, model, program, size), program


def _load_onnx(path: Path) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(path)
    except DecodeError as error:
        raise UnknownStructure("an ONNX file that the onnx package can't read") from error


def _reason(error: Exception) -> str:
    return f"it has {error}" if isinstance(error, UnknownStructure) else str(error)
