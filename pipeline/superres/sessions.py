"""Sessions that share what is heavy: an engine on a GPU, a loaded network on the CPU. One alone shares with nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, MutableMapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from pipeline.config.settings import Upscaling
from pipeline.flow.closing import Closing
from pipeline.flow.fair_lock import FairLock
from pipeline.flow.telemetry import Trace
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.session import Session
from pipeline.superres.tiling import Tiling, cuts
from pipeline.system import host

if TYPE_CHECKING:
    from pipeline.superres.cpu.network import CpuNetwork
    from pipeline.superres.gpu.compute import Compute

_SHARE_OF_MEMORY = 0.5

Shared = TypeVar("Shared")


class SharedSessions(Closing):
    """Opens sessions, each for one stream and closed by whoever uses it.

    On a GPU, those of one model, one format in and one out share engine, contexts and kernels; the others work beside
    them. On the CPU all take turns, and those of one model share it. What is shared goes with the last session that
    uses it, and comes back with the next that is opened. `open` may be called from any thread.
    """

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._computes: MutableMapping[Hashable, Compute] = WeakValueDictionary()
        self._networks: MutableMapping[Hashable, CpuNetwork] = WeakValueDictionary()
        self._cores = FairLock()

    def open(
        self,
        backend: str,
        model: ModelSpec,
        source: FrameFormat,
        settings: Upscaling,
        result: FrameFormat | None = None,
        trace: Trace | None = None,
    ) -> Session[Any]:
        """A session of `model` for frames of `source`, giving frames of `result`; "tensorrt" or "onnx".

        trace: where a GPU's copies and kernels are noted. A budget (`vram`) is for all that share an engine. Raises
        BackendError, OutOfMemory or ModelError; sessions that are open stay whole.
        """
        if backend == "tensorrt":
            return self._on_gpus(model, source, settings, result, trace)
        return self._on_cpu(model, source, settings, result)

    def close(self) -> None:
        """Share nothing more with sessions that are still open; they stay whole until they are closed."""
        with self._opening:
            self._computes.clear()
            self._networks.clear()

    def _on_cpu(
        self, model: ModelSpec, source: FrameFormat, settings: Upscaling, result: FrameFormat | None
    ) -> Session[Any]:
        from pipeline.superres.cpu.network import CpuNetwork
        from pipeline.superres.cpu.session import OnnxSession

        threads = settings.threads
        network = self._found(
            self._networks, (model, threads), lambda: CpuNetwork(model, threads, fair_lock=self._cores)
        )
        return OnnxSession(model, source, result, tiling=_in_memory(model, source), network=network)

    def _on_gpus(
        self,
        model: ModelSpec,
        source: FrameFormat,
        settings: Upscaling,
        result: FrameFormat | None,
        trace: Trace | None,
    ) -> Session[Any]:
        from pipeline.superres.gpu.session import TensorRtSession
        from pipeline.superres.multi_gpu import MultiGpuSession

        with ExitStack() as opened:
            sessions: list[Session[Any]] = [
                opened.enter_context(
                    TensorRtSession(
                        model,
                        source,
                        result,
                        slots=settings.slots,
                        trace=trace,
                        compute=self._compute(model, source, result or source.enlarged(model.scale), settings, device),
                    )
                )
                for device in settings.device
            ]
            opened.pop_all()
        return sessions[0] if len(sessions) == 1 else MultiGpuSession(sessions)

    def _compute(
        self, model: ModelSpec, source: FrameFormat, result: FrameFormat, settings: Upscaling, device: int
    ) -> Compute:
        from pipeline.superres.gpu.compute import Compute

        flavour, contexts, vram = settings.engine, settings.contexts, settings.vram
        return self._found(
            self._computes,
            (model, source, result, device, flavour, contexts, vram),
            lambda: Compute(model, source, result, device, flavour, contexts, vram=vram),
        )

    def _found(self, known: MutableMapping[Hashable, Shared], key: Hashable, make: Callable[[], Shared]) -> Shared:
        """What is known by `key`, or is made now, once, however many ask at the same time."""
        with self._opening:
            found = known.get(key)
            if found is None:
                found = known[key] = make()
            return found


def _in_memory(model: ModelSpec, source: FrameFormat) -> Tiling:
    """The frame whole, or cut so that the network needs no more than half of the memory that is free."""
    room = host.available_memory() * _SHARE_OF_MEMORY
    ways = list(cuts(model, source.width, source.height))
    fitting = (way for way in ways if model.working_bytes(way.tile_width, way.tile_height) <= room)
    return next(fitting, ways[-1])


def open_session(
    backend: str,
    model: ModelSpec,
    source: FrameFormat,
    settings: Upscaling,
    result: FrameFormat | None = None,
    trace: Trace | None = None,
) -> Session[Any]:
    """A session of `model` for frames of `source`, giving frames of `result`; see `SharedSessions.open`."""
    return SharedSessions().open(backend, model, source, settings, result, trace)
