"""Opening of sessions, which share engines on a GPU and loaded networks on the CPU."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, MutableMapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from pipeline.config.settings import Upscaling
from pipeline.errors import BackendError
from pipeline.flow.closing import Closing
from pipeline.flow.fair_lock import FairLock
from pipeline.flow.telemetry import Trace
from pipeline.frame import FrameFormat
from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.session import Session
from pipeline.superres.tiling import Tiling, model_tilings
from pipeline.system import host

if TYPE_CHECKING:
    from pipeline.superres.cpu.network import CpuNetwork
    from pipeline.superres.cpu.runtimes import CpuRuntime
    from pipeline.superres.gpu.compute import Compute

log = logging.getLogger(__name__)

_SHARE_OF_MEMORY = 0.5

Shared = TypeVar("Shared")


@dataclass(frozen=True)
class SessionRequest:
    """A request to open a session.

    Attributes:
        backend: "tensorrt" or "onnx".
        model: The network.
        source: Format of the frames to submit.
        settings: Devices, library, slots, contexts, memory budget and threads are read from it.
        output: Format of the upscaled frames; None for the source's format, enlarged.
        on_device: Frames are in the memory of other libraries on the GPU, and stay on it; for "tensorrt" and a single
            device.
    """

    backend: str
    model: ModelSpec
    source: FrameFormat
    settings: Upscaling
    output: FrameFormat | None = None
    on_device: bool = False


class SharedSessions(Closing):
    """Opens sessions, each for one stream, which the caller closes.

    On a GPU, sessions of one model with the same formats share an engine, its contexts and the compiled kernels; other
    sessions work beside them. On the CPU, sessions of one model share the loaded network, those of all sizes if its
    runtime supports any, and all of them take turns. A shared resource is freed with the last session that uses it.

    `open` may be called from any thread.

    Attributes:
        cores: Lock through which the runs of all CPU sessions pass.
    """

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._computes: MutableMapping[Hashable, Compute] = WeakValueDictionary()
        self._networks: MutableMapping[Hashable, CpuNetwork] = WeakValueDictionary()
        self.cores = FairLock()

    def open(self, request: SessionRequest, trace: Trace | None = None) -> Session[Any]:
        """Open a session.

        Args:
            request: Backend, model, formats and settings. The memory budget (`vram`) is for all sessions that share an
                engine.
            trace: Where the copies and kernels of a GPU are recorded. The CPU records nothing.

        Raises:
            BackendError, OutOfMemory, ModelError: The session can't be opened. Other sessions are not affected.
        """
        if request.backend == "tensorrt":
            return self._open_on_gpus(request, trace)
        return self._open_on_cpu(request)

    def close(self) -> None:
        """Stop sharing with sessions that are still open; they keep working until they are closed."""
        with self._opening:
            self._computes.clear()
            self._networks.clear()

    def _open_on_cpu(self, request: SessionRequest) -> Session[Any]:
        from pipeline.superres.cpu.network import CpuCascade
        from pipeline.superres.cpu.session import OnnxSession

        model, settings = request.model, request.settings
        tiling = _tiling_for_memory(model, request.source)
        height, width = tiling.tile_height, tiling.tile_width
        networks: list[CpuNetwork] = []
        for step in model.steps or (model,):
            networks.append(self._fastest_on_cpu(step, (height, width), settings))
            height, width = height * step.scale, width * step.scale
        network = CpuCascade(model, networks) if model.steps else networks[0]
        return OnnxSession(network, request.source, request.output, tiling, settings.strength)

    def _fastest_on_cpu(self, model: ModelSpec, tile: HeightWidth, settings: Upscaling) -> CpuNetwork:
        """A network, loaded by the fastest runtime for images of `tile`, (H, W)."""
        from pipeline.superres.cpu.runtime_choice import choose_runtime
        from pipeline.superres.cpu.runtimes import ONNX_RUNTIME, requested_runtime

        runtime = choose_runtime(model, tile, settings.engine, settings.threads, self.cores)
        try:
            return self._cpu_network(model, tile, runtime, settings.threads)
        except BackendError as error:
            if runtime in (ONNX_RUNTIME, requested_runtime(settings.engine)):
                raise
            log.warning("%s; ONNX Runtime is used", error)  # such as a lack of memory at this size
            return self._cpu_network(model, tile, ONNX_RUNTIME, settings.threads)

    def _cpu_network(self, model: ModelSpec, tile: HeightWidth, runtime: CpuRuntime, threads: int) -> CpuNetwork:
        from pipeline.superres.cpu.network import CpuNetwork

        key = model, threads, runtime.name, None if runtime.any_size else tile
        return self._shared(self._networks, key, lambda: CpuNetwork(model, tile, runtime, threads, self.cores))

    def _open_on_gpus(self, request: SessionRequest, trace: Trace | None) -> Session[Any]:
        from pipeline.superres.gpu.session import DeviceSession, TensorRtSession
        from pipeline.superres.multi_gpu import MultiGpuSession

        kind = DeviceSession if request.on_device else TensorRtSession
        with ExitStack() as opened:
            sessions: list[Session[Any]] = [
                opened.enter_context(kind(self._compute(request, device), request.settings.slots, trace))
                for device in request.settings.device
            ]
            opened.pop_all()
        return sessions[0] if len(sessions) == 1 else MultiGpuSession(sessions)

    def _compute(self, request: SessionRequest, device: int) -> Compute:
        from pipeline.superres.gpu.compute import Compute, ComputeOptions

        settings, model, source = request.settings, request.model, request.source
        output = request.output or source.enlarged(model.scale)
        options = ComputeOptions(device, settings.engine, settings.contexts, settings.vram, strength=settings.strength)
        return self._shared(
            self._computes, (model, source, output, options), lambda: Compute(model, source, output, options)
        )

    def _shared(self, known: MutableMapping[Hashable, Shared], key: Hashable, create: Callable[[], Shared]) -> Shared:
        """The object known by `key`, created once, however many threads ask for it at the same time."""
        with self._opening:
            found = known.get(key)
            if found is None:
                found = known[key] = create()
            return found


def _tiling_for_memory(model: ModelSpec, source: FrameFormat) -> Tiling:
    """The largest tiling for which the network needs no more than half of the available memory."""
    budget = host.available_memory() * _SHARE_OF_MEMORY
    candidates = list(model_tilings(model, source.width, source.height))
    fitting = (tiling for tiling in candidates if model.working_bytes(tiling.tile_width, tiling.tile_height) <= budget)
    return next(fitting, candidates[-1])


def open_session(request: SessionRequest, trace: Trace | None = None) -> Session[Any]:
    """Open a session that shares nothing with others; see `SharedSessions.open`."""
    return SharedSessions().open(request, trace)
