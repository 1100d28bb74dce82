"""Ways to work within a GPU's memory: frames whole or in tiles, on several contexts or one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

from pipeline.errors import OutOfMemory
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.launch import Conversions
from pipeline.superres.gpu.passes import Passes, memory_bytes
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.gpu.tensorrt.library import TensorRtLibrary
from pipeline.superres.gpu.tensorrt.network import Network
from pipeline.superres.tiling import Tiling, cuts
from pipeline.system.cuda import Gpu

if TYPE_CHECKING:
    from cuda.core import Event

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resources:
    """What all ways to work have in common."""

    gpu: Gpu
    flavour: TensorRtLibrary
    cache: EngineCache
    model: ModelSpec
    conversions: Conversions


class ExecutionPlan:
    """One way to work, made ready: an engine for the tiles of `tiling`, and `contexts` lanes of passes, in turn.

    Raises OutOfMemory, and leaves nothing behind.
    """

    def __init__(self, tools: Resources, network: Network, tiling: Tiling, contexts: int) -> None:
        self.tiling = tiling
        self.lanes: list[Passes] = []
        self._gpu = tools.gpu
        self._network = network
        try:
            for _ in range(contexts):
                self.lanes.append(Passes(tools.gpu, network, tiling, tools.conversions))
            self._turn = cycle(range(contexts))
            for lane in self.lanes:
                lane.network()  # TensorRT-RTX compiles its kernels at the first run
            self.sync()
        except BaseException:
            self.close()
            raise
        network.remember()

    def next(self) -> int:
        """The number of the lane whose turn it is."""
        return next(self._turn)

    def sync(self) -> None:
        for event in self.ends():
            event.sync()

    def ends(self) -> list[Event]:
        """What comes when all is done that the lanes have to do now; it does so too when the way is closed before."""
        ends = [self._gpu.event() for _ in self.lanes]
        for lane, end in zip(self.lanes, ends, strict=True):
            lane.stream.record(end)
        return ends

    def close(self) -> None:
        """Free everything, when what is under way is done. May be called again."""
        while self.lanes:
            self.lanes.pop().close()
        self._network.close()


class FallbackLadder:
    """The ways to work on frames of `source` that fit into `budget` bytes, one after the other, ever smaller.

    contexts: how many there may be at most. taken: bytes that the frames under way need, whatever the way.
    """

    def __init__(self, tools: Resources, source: FrameFormat, contexts: int, budget: int, taken: int) -> None:
        self._tools = tools
        self._source = source
        self._budget = budget
        self._taken = taken
        self._left = self._all(contexts)
        self._per_pixel = 0.0  # bytes that a context takes for each pixel of a tile, once an engine has told
        self._needs = 0.0  # bytes of the way taken last

    def take(self, size: int) -> None:
        """Set `size` bytes more aside for frames under way. Raises OutOfMemory where the present way leaves no room."""
        if self._taken + size + self._needs > self._budget:
            raise OutOfMemory(
                f"another stream of {self._source} does not fit into {self._shown_budget}: "
                "allow more with --vram, or have fewer streams"
            )
        self._taken += size

    def give_back(self, size: int) -> None:
        self._taken -= size

    def next(self) -> ExecutionPlan:
        """The next way, ready to work. Raises OutOfMemory when none is left."""
        for tiling, contexts in self._left:
            if self._needed(tiling, contexts, self._per_pixel * tiling.tile_width * tiling.tile_height) > self._budget:
                continue
            try:
                network = self._network(tiling, contexts)
                if network is not None:
                    way = ExecutionPlan(self._tools, network, tiling, contexts)
                    self._needs = self._needed(tiling, contexts, network.memory) - self._taken
                    return way
            except OutOfMemory as error:
                log.warning("%s: trying smaller tiles", error)
        raise OutOfMemory(
            f"frames of {self._source} do not fit into {self._shown_budget}, in tiles or whole: "
            "allow more with --vram, or take a smaller --model or --backend onnx"
        )

    @property
    def _shown_budget(self) -> str:
        return f"{self._budget / 2**30:.1f} GiB of GPU memory"

    def _all(self, contexts: int) -> Iterator[tuple[Tiling, int]]:
        for tiling in cuts(self._tools.model, self._source.width, self._source.height):
            yield tiling, contexts
            if contexts > 1:
                yield tiling, 1

    def _network(self, tiling: Tiling, contexts: int) -> Network | None:
        """The engine for a tile, if its contexts fit; one for many sizes takes as much as its largest picture."""
        tools, size = self._tools, (tiling.tile_height, tiling.tile_width)
        for shapes in (None, Shapes.fixed(*size)):
            network = Network(tools.gpu, tools.flavour, tools.model, *size, tools.cache, shapes)
            if self._needed(tiling, contexts, network.memory) <= self._budget:
                return network
            network.close()
            if network.fixed:
                break
        self._per_pixel = network.memory / (tiling.tile_width * tiling.tile_height)
        return None

    def _needed(self, tiling: Tiling, contexts: int, working: float) -> float:
        """Bytes of GPU memory, where a context works in `working`."""
        return self._taken + contexts * (working + memory_bytes(self._tools.model, tiling))
