"""The computation on one GPU: a network and its lanes, for one session or for several that share them.

    session A: ring, copies ─┐
    session B: ring, copies ─┼─ fair lock ─▶ lane 0, 1 or 2: to_rgb, network, from_rgb
    session C: ring, copies ─┘

Kernels, engine, contexts and their memory exist once. Each session has its own slots and copy streams. One thread at a
time queues work on a lane: sessions queue the passes of a frame in the order of their arrival, and the GPU executes
them in that order. A session waits for the GPU outside of the lock, and has at most as many frames in flight as it has
slots. So a session whose frames are not collected stops alone, and busy sessions get equal shares.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from pipeline.errors import OutOfMemory
from pipeline.flow.fair_lock import FairLock, Gate
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.fused.network import FusedNetwork
from pipeline.superres.gpu.launch import conversion_kernels
from pipeline.superres.gpu.memory_fallback import ExecutionPlan, FallbackLadder, Resources
from pipeline.superres.gpu.passes import Passes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.library import load_if_installed
from pipeline.superres.gpu.tensorrt.network import EngineResources
from pipeline.superres.tiling import model_tilings
from pipeline.system.cuda import Gpu, gpu_errors

log = logging.getLogger(__name__)

_SHARE_OF_FREE = 0.9  # of the GPU's free memory, if there is no budget: other programs may need some too
_LEAST_SLOTS = 3
_QUEUING = gpu_errors("submitting a frame")
_SHARE_OF_SLOTS = 0.25  # of the budget


@dataclass(frozen=True)
class ComputeOptions:
    """Options for the use of a GPU.

    Attributes:
        device: Number of the GPU.
        engine: "auto" for the faster of fused kernels and TensorRT, "fused" or "fused-fp16acc", or a TensorRT library,
            "rtx" or "tensorrt".
        contexts: Largest number of execution contexts, which work in turn.
        vram: GPU memory in bytes that all sessions together may use; None for nearly all that is free when the first
            session joins.
        cache: Where engines are cached; None for the user's cache folder.
        strength: Share of the network in its blend with the resampled source, 0 to 1.
    """

    device: int = 0
    engine: str = "auto"
    contexts: int = 3
    vram: int | None = None
    cache: EngineCache | None = None
    strength: float = 1.0


class Compute:
    """A model on one GPU, for frames of one format.

    Little memory is allocated until a session joins. When the last session leaves, everything is freed. All methods may
    be called from any thread in which the GPU is current.

    Attributes:
        model: The network.
        source: Format of the source frames.
        output: Format of the upscaled frames.
        gpu: The GPU.
        tiling: How frames are cut at present.
        title: What runs the network at present: a library and its version, or fused kernels.
    """

    def __init__(
        self,
        model: ModelSpec,
        source: FrameFormat,
        output: FrameFormat | None = None,
        options: ComputeOptions | None = None,
    ) -> None:
        """Open the GPU and compile the conversion kernels.

        Args:
            model: The network.
            source: Format of the source frames.
            output: Format of the upscaled frames; None for the source's format, enlarged.
            options: How the GPU is used.

        Raises:
            BackendError: The GPU, TensorRT or the kernels can't be used.
        """
        options = options or ComputeOptions()
        self.model, self.source = model, source
        self.output = output = output or source.enlarged(model.scale)
        self._options = options
        library = load_if_installed(options.engine)
        self.gpu = Gpu(options.device)
        device = self.gpu.device
        self._resources = Resources(
            EngineResources(self.gpu, library, options.cache or EngineCache(), model),
            options.engine,
            cache(lambda interleaved: conversion_kernels(device, model, source, output, interleaved, options.strength)),
        )
        self._frame_bytes = source.bytes + self.output.bytes
        self._lock = FairLock()
        self._members = 0
        self._ladder: FallbackLadder | None = None
        self._plan: ExecutionPlan | None = None
        self.title = library.title if library else FusedNetwork.title
        self.tiling = next(model_tilings(model, source.width, source.height))

    @property
    def backend(self) -> str:
        """Description for tables: network, GPU, and the number of tiles at present."""
        tiles = "" if self.tiling.is_single_tile else f", {len(self.tiling.tiles)} tiles a frame"
        return f"{self.title} on {self.gpu.facts.name}{tiles}"

    def gate(self) -> Gate:
        """Create the gate through which one session reaches the lanes."""
        return self._lock.gate()

    def join(self, slots: int) -> int:
        """Reserve memory for one more session.

        Args:
            slots: Number of slots that the session requests.

        Returns:
            Number of slots that it may have.

        Raises:
            OutOfMemory: The session does not fit beside the others.
        """
        with self.gate():
            vram = self._options.vram
            budget = round(self.gpu.free_memory * _SHARE_OF_FREE) if vram is None else vram
            slots = min(slots, max(_LEAST_SLOTS, int(budget * _SHARE_OF_SLOTS) // self._frame_bytes))
            reserved = slots * self._frame_bytes
            if self._ladder is None:
                contexts = self._options.contexts
                self._ladder = FallbackLadder(self._resources, self.source, self.output, contexts, budget, reserved)
            else:
                self._ladder.reserve(reserved)
            self._members += 1
            return slots

    def prepare(self) -> None:
        """Make the lanes ready if they are not, which may build an engine. Raises OutOfMemory."""
        with self.gate():
            self._current_plan()

    def leave(self, slots: int) -> None:
        """Undo `join`. The session must have no work in flight. The last session to leave frees everything."""
        with self.gate():
            self._members -= 1
            if self._members:
                assert self._ladder is not None
                self._ladder.unreserve(slots * self._frame_bytes)
                return
            plan, self._plan, self._ladder = self._plan, None, None
            if plan is not None:
                plan.close()

    def queue(self, gate: Gate, work: Callable[[Passes], None]) -> int:
        """Queue work on the next lane.

        If memory runs out, all sessions continue with fewer contexts or smaller tiles, and `work` is called again.

        Args:
            gate: The session's gate.
            work: Queues the work on the lane's passes.

        Returns:
            Number of the lane.

        Raises:
            Aborted: The gate was aborted.
            OutOfMemory: Nothing smaller is left.
        """
        with gate, _QUEUING:
            while True:
                plan = self._current_plan()
                lane = plan.next_lane()
                try:
                    work(plan.lanes[lane])
                    return lane
                except OutOfMemory as error:
                    log.warning("%s: continuing with fewer contexts or smaller tiles", error)
                    self._plan = None
                    plan.close()

    def sync(self) -> None:
        """Wait for all work that any session has queued so far."""
        with self.gate():
            events = self._plan.end_events() if self._plan else []
        for event in events:
            event.sync()

    def _current_plan(self) -> ExecutionPlan:
        """The current plan, or the next one of the ladder if there is none. The lock must be held."""
        if self._plan is None:
            assert self._ladder is not None
            self._plan = self._ladder.next_plan()
            self.tiling, self.title = self._plan.tiling, self._plan.title
        return self._plan
