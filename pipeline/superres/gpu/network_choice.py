"""The choice of what computes a network on a GPU: fused kernels or a TensorRT engine, by a race that is run once.

When a model, an image size and a GPU meet for the first time, both are made, compared with ONNX Runtime, and timed. The
faster one is kept in the cache, with the rates that were measured; from then on it alone is opened.
"""

from __future__ import annotations

import hashlib
import json
import logging
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from pipeline.errors import BackendError, ModelError
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu import validation
from pipeline.superres.gpu.fused.kernel import FILE
from pipeline.superres.gpu.fused.network import FusedNetwork
from pipeline.superres.gpu.fused.program import FusedProgram
from pipeline.superres.gpu.kernels import kernel_source
from pipeline.superres.gpu.tensorrt.engine import Shapes, Size
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.library import load
from pipeline.superres.gpu.tensorrt.network import EngineResources, Network
from pipeline.system.cache import write_cached
from pipeline.system.cuda import Gpu

if TYPE_CHECKING:
    from cuda.core import Buffer, Stream

log = logging.getLogger(__name__)

_RUNS = 20  # of each measurement, of which the median of three counts
_WARM_UP_SECONDS = 0.05
_VERDICT, _PROGRAM = ".race.json", ".fused.npz"  # suffixes of the files that remember a race


class GpuLane(Protocol):
    """The tensors of one image at a time, and the stream on which the network computes."""

    stream: Stream
    input: Buffer
    output: Buffer

    def run(self) -> None: ...
    def run_once(self, image: NDArray[Any]) -> NDArray[Any]: ...
    def close(self) -> None: ...


class GpuNetwork(Protocol):
    """A network on one GPU for images of one size, whatever computes it; see FusedNetwork and tensorrt's Network."""

    model: ModelSpec
    context_bytes: int

    @property
    def title(self) -> str: ...
    @property
    def interleaved(self) -> bool: ...
    @property
    def has_fixed_size(self) -> bool: ...
    def lane(self) -> GpuLane: ...
    def save_runtime_cache(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class RaceVerdict:
    """The outcome of a race.

    Attributes:
        model: Name of the model.
        size: "WIDTHxHEIGHT" of the images.
        gpu: Product name of the GPU.
        winner: "fused" or "tensorrt".
        reason: Why the other one did not run; "" if it did.
        fused: Frames/s of the fused kernels, one lane; None if they did not run.
        tensorrt: Frames/s of TensorRT, one context; None if it did not run.
    """

    model: str
    size: str
    gpu: str
    winner: str
    reason: str = ""
    fused: float | None = None
    tensorrt: float | None = None


def open_network(
    resources: EngineResources, engine: str, height: int, width: int, shapes: Shapes | None = None
) -> GpuNetwork:
    """Open what computes the model of `resources` for images of `height` x `width`.

    Args:
        resources: GPU, library, cache and model.
        engine: "auto" for the faster one, "fused", or a TensorRT library.
        height: Height of the images.
        width: Width of the images.
        shapes: Image sizes that an engine must be built for; None for this one.

    Raises:
        ModelError: `engine` is "fused" and the model is none that the fused kernels compute.
        OutOfMemory, BackendError: It can't be built or used. All resources are released.
    """
    if engine not in ("auto", "fused") or shapes is not None or not _is_half(resources.model):
        if engine == "fused":
            raise ModelError(f"`engine` fused computes in fp16: {resources.model.name} is {resources.model.precision}")
        return Network(resources, height, width, shapes)
    kept = RaceRecord(resources, height, width)
    verdict = kept.verdict()
    is_fused = engine == "fused" or (verdict is not None and verdict.winner == "fused")
    if is_fused and (program := kept.program()):
        return FusedNetwork(resources.gpu, resources.model, program, (height, width))
    if is_fused or verdict is None:
        return _race(resources, engine, kept)
    return Network(resources, height, width)


def _is_half(model: ModelSpec) -> bool:
    return model.precision == "fp16" and model.dtype.itemsize == 2


class RaceRecord:
    """The files in the engine cache that remember a race: its verdict, and the program of fused kernels."""

    def __init__(self, resources: EngineResources, height: int, width: int) -> None:
        self.height, self.width = height, width
        known = (resources.key(Shapes.fixed(height, width)).digest, kernel_source(FILE))
        digest = hashlib.sha256(repr(known).encode()).hexdigest()[:32]
        self._verdict = resources.cache.folder / f"{digest}{_VERDICT}"
        self._program = resources.cache.folder / f"{digest}{_PROGRAM}"

    def verdict(self) -> RaceVerdict | None:
        """The verdict; None if there is none that can be read."""
        return read_verdict(self._verdict)

    def program(self) -> FusedProgram | None:
        """The program of fused kernels; None if there is none that can be read."""
        try:
            return FusedProgram.load(self._program.read_bytes())
        except (OSError, ValueError):
            return None

    def write_program(self, program: FusedProgram) -> None:
        """Keep a program that was compared with ONNX Runtime."""
        write_cached(self._program, program.dump())

    def write_verdict(self, verdict: RaceVerdict) -> None:
        """Keep a verdict."""
        write_cached(self._verdict, json.dumps(asdict(verdict), indent=1).encode())


def read_verdict(path: Path) -> RaceVerdict | None:
    """The verdict in the file `path`; None if there is none that can be read."""
    try:
        return RaceVerdict(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def kept_verdicts(cache: EngineCache) -> dict[Path, RaceVerdict]:
    """The verdicts in `cache`, by their files."""
    found = {path: read_verdict(path) for path in sorted(cache.folder.glob(f"*{_VERDICT}"))}
    return {path: verdict for path, verdict in found.items() if verdict}


def forget(path: Path) -> int:
    """Remove the verdict in the file `path` and its program, and return the number of bytes freed."""
    files = [path, path.with_name(path.name.replace(_VERDICT, _PROGRAM))]
    size = sum(file.stat().st_size for file in files if file.exists())
    for file in files:
        file.unlink(missing_ok=True)
    return size


def prebuild_network(model: ModelSpec, size: Size, device: int, engine: str, cache: EngineCache) -> str:
    """Choose and build what computes `model` for images of `size`, (H, W), unless it is kept already.

    Returns:
        What computes, for tables.

    Raises:
        BackendError, ModelError: There is no GPU, or it can't be built.
    """
    resources = EngineResources(Gpu(device), load(engine), cache, model)
    network = open_network(resources, engine, *size)
    try:
        lane = network.lane()
        lane.run()
        lane.stream.sync()
        network.save_runtime_cache()
        lane.close()
        return network.title
    finally:
        network.close()


def _race(resources: EngineResources, engine: str, kept: RaceRecord) -> GpuNetwork:
    """Make, check and time both; keep the verdict and return the winner."""
    model, size = resources.model, f"{kept.width}x{kept.height}"
    log.warning("choosing what computes %s at %s: some 15 seconds, once", model.name, size)
    network, reason = _fused(resources, kept)
    if network is None and engine == "fused":
        raise ModelError(f"`engine` fused can't compute {model.name}: it has {reason}; use `engine` auto")
    rate = _rate(network) if network else None
    other = None if engine == "fused" else _tensorrt(resources, kept, required=network is None)
    other_rate = _rate(other) if other else None
    wins = network is not None and (rate or 0) >= (other_rate or 0)
    verdict = RaceVerdict(
        model=model.name,
        size=size,
        gpu=resources.gpu.facts.name,
        winner="fused" if wins else "tensorrt",
        reason=reason,
        fused=rate,
        tensorrt=other_rate,
    )
    if engine == "auto":
        kept.write_verdict(verdict)
    log.warning("%s at %s: %s", model.name, size, describe(verdict))
    winner, loser = (network, other) if wins else (other, network)
    if loser:
        loser.close()
    assert winner is not None
    return winner


def _fused(resources: EngineResources, kept: RaceRecord) -> tuple[FusedNetwork | None, str]:
    """The network by fused kernels, checked and kept; None and the reason if that is impossible."""
    import onnx

    from pipeline.superres.gpu.fused.chain import UnknownStructure
    from pipeline.superres.gpu.fused.plan import KernelPlanner
    from pipeline.superres.gpu.fused.program import assemble
    from pipeline.superres.gpu.fused.recognition import recognise

    gpu, model = resources.gpu, resources.model
    try:
        chain = recognise(onnx.load(model.path))
        program = assemble(chain, KernelPlanner(gpu, chain, kept.height, kept.width).plan())
        network = FusedNetwork(gpu, model, program, (kept.height, kept.width))
    except UnknownStructure as error:
        return None, str(error)
    lane = network.lane()
    try:
        validation.validate_engine(model, lane.run_once, kept.height, kept.width)
    except BackendError as error:
        lane.close()
        network.close()
        return None, str(error)
    lane.close()
    kept.write_program(program)
    return network, ""


def _tensorrt(resources: EngineResources, kept: RaceRecord, required: bool) -> Network | None:
    """TensorRT's engine; None if it can't be built and is not required."""
    try:
        return Network(resources, kept.height, kept.width)
    except (BackendError, ModelError):
        if required:
            raise
        return None


def _rate(network: GpuNetwork) -> float:
    """Frames/s of one lane, queued without waiting, after a warm-up."""
    lane = network.lane()
    try:
        began = time.perf_counter()
        while time.perf_counter() - began < _WARM_UP_SECONDS:
            lane.run()
            lane.stream.sync()
        rates = []
        for _ in range(3):
            began = time.perf_counter()
            for _ in range(_RUNS):
                lane.run()
            lane.stream.sync()
            rates.append(_RUNS / (time.perf_counter() - began))
        return statistics.median(rates)
    finally:
        lane.close()


def describe(verdict: RaceVerdict) -> str:
    """State what is used, and by how much it is faster."""
    if verdict.fused is None:
        return f"TensorRT is used; the fused kernels do not know a network that has {verdict.reason}"
    if verdict.tensorrt is None:
        return f"fused kernels are used, {verdict.fused:.0f} frames/s"
    fast, slow = ("fused kernels", "TensorRT") if verdict.winner == "fused" else ("TensorRT", "fused kernels")
    rates = sorted((verdict.fused, verdict.tensorrt), reverse=True)
    return f"{fast} are used, {rates[0]:.0f} frames/s; {slow} {rates[1]:.0f} ({rates[0] / rates[1]:.1f} times as fast)"
