"""What computes on one GPU: an engine and its lanes, for one session or for several that take turns.

    session A: ring, copies ─┐
    session B: ring, copies ─┼─ fair_lock ─▶ lane 0 or 1: to_rgb, network, from_rgb
    session C: ring, copies ─┘

What is heavy is here once: kernels, engine, contexts and their memory. What holds a frame is the session's own: its
slots and its copy streams. A lane belongs to one thread at a time: sessions queue a frame's passes one after the
other, in the order in which they come, and the GPU works them off in the same order. A session waits for the GPU
outside, and has no more frames under way than it has slots. So one that nobody collects from stands still alone, and
greedy ones get equal shares.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from pipeline.errors import OutOfMemory
from pipeline.flow.fair_lock import FairLock, Gate
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.launch import conversions
from pipeline.superres.gpu.memory_fallback import ExecutionPlan, FallbackLadder, Resources
from pipeline.superres.gpu.passes import Passes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.library import load
from pipeline.superres.tiling import Tiling
from pipeline.system.cuda import Gpu, gpu_errors

log = logging.getLogger(__name__)

_SHARE_OF_FREE = 0.9  # of the GPU's free memory, where no budget was given: others may want some too
_LEAST_SLOTS = 3
_SHARE_OF_SLOTS = 0.25  # of the budget


class Compute:
    """`model` at work on GPU `device`, on frames of `source` that become frames of `result`, in `contexts` lanes.

    vram: how many bytes of GPU memory it and those who joined may take together; None: nearly all that is free when
    the first one joins. Holds no memory to speak of until a session joins; `leave` of the last one frees all. All
    methods may be called from any thread in which the GPU is current.
    """

    def __init__(
        self,
        model: ModelSpec,
        source: FrameFormat,
        result: FrameFormat,
        device: int = 0,
        flavour: str = "auto",
        contexts: int = 2,
        cache: EngineCache | None = None,
        vram: int | None = None,
    ) -> None:
        self._flavour = load(flavour)
        self.gpu = Gpu(device)
        self._tools = Resources(
            gpu=self.gpu,
            flavour=self._flavour,
            cache=cache or EngineCache(),
            model=model,
            conversions=conversions(self.gpu.device, model, source, result),
        )
        self._source = source
        self._frame = source.bytes + result.bytes
        self._contexts, self._vram = contexts, vram
        self._fair_lock = FairLock()
        self._members = 0
        self._ways: FallbackLadder | None = None
        self._way: ExecutionPlan | None = None
        self.tiling = Tiling(source.width, source.height, source.width, source.height)

    @property
    def backend(self) -> str:
        """What the work is done by: library, version, device, and the tiles at present."""
        name = "TensorRT-RTX" if self._flavour.name == "rtx" else "TensorRT"
        tiles = "" if self.tiling.whole else f", {len(self.tiling.tiles)} tiles a frame"
        return f"{name} {self._flavour.version} on {self.gpu.facts.name}{tiles}"

    def gate(self) -> Gate:
        """One session's way in to the lanes."""
        return self._fair_lock.gate()

    def join(self, slots: int) -> int:
        """Set memory aside for one more session; gives how many slots, of those it wants, it may have.

        Raises OutOfMemory where it would not fit beside the others.
        """
        with self.gate():
            budget = round(self.gpu.free_memory * _SHARE_OF_FREE) if self._vram is None else self._vram
            slots = min(slots, max(_LEAST_SLOTS, int(budget * _SHARE_OF_SLOTS) // self._frame))
            if self._ways is None:
                self._ways = FallbackLadder(
                    self._tools, self._source, self._contexts, budget, taken=slots * self._frame
                )
            else:
                self._ways.take(slots * self._frame)
            self._members += 1
            return slots

    def prepare(self) -> None:
        """Make the lanes ready, if they are not, which may build an engine. Raises OutOfMemory."""
        with self.gate():
            self._standing()

    def leave(self, slots: int) -> None:
        """End what `join` began; nothing of the session's may be under way. Whoever is the last frees it all."""
        with self.gate():
            self._members -= 1
            if self._members:
                assert self._ways is not None
                self._ways.give_back(slots * self._frame)
                return
            way, self._way, self._ways = self._way, None, None
            if way is not None:
                way.close()

    def queue(self, gate: Gate, work: Callable[[Passes], None]) -> int:
        """Let `work` queue what it has to on the lane whose turn it is, through `gate`; gives the lane's number.

        Where memory runs out, all go on with smaller tiles, and `work` is called again. Raises Aborted when the gate
        was, and OutOfMemory when no smaller tiles are left.
        """
        with gate, gpu_errors("submitting a frame"):
            while True:
                way = self._standing()
                lane = way.next()
                try:
                    work(way.lanes[lane])
                    return lane
                except OutOfMemory as error:
                    log.warning("%s: going on with smaller tiles", error)
                    self._way = None
                    way.close()

    def sync(self) -> None:
        """Wait until all is done that is queued now, by whomever; others may queue more meanwhile."""
        with self.gate():
            ends = self._way.ends() if self._way else []
        for end in ends:
            end.sync()

    def _standing(self) -> ExecutionPlan:
        """The present way to work, or the next one where there is none. Called inside the fair_lock."""
        if self._way is None:
            assert self._ways is not None
            self._way = self._ways.next()
            self.tiling = self._way.tiling
        return self._way
