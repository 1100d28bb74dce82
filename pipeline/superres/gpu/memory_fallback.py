"""Execution plans that fit into a GPU's memory: complete frames or tiles, on several contexts, two or one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

from pipeline.errors import OutOfMemory
from pipeline.frame import FrameFormat
from pipeline.superres.gpu.launch import ConversionKernels
from pipeline.superres.gpu.network_choice import GpuNetwork, open_network
from pipeline.superres.gpu.passes import Passes, memory_bytes
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.network import EngineResources
from pipeline.superres.tiling import Tiling, model_tilings

if TYPE_CHECKING:
    from cuda.core import Event

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resources:
    """The resources of all execution plans of a model on a GPU.

    Attributes:
        engines: GPU, library, cache and model of the engines.
        engine: The setting `engine`.
        conversions: Returns the kernels between samples and tensors; its argument is whether the network's input is
            interleaved.
    """

    engines: EngineResources
    engine: str
    conversions: Callable[[bool], ConversionKernels]


class ExecutionPlan:
    """A network for the tiles of one tiling, with lanes (contexts with their passes) that are used in turn.

    Attributes:
        title: Title of the network, for tables.
        tiling: How frames are cut.
        lanes: The lanes.
    """

    def __init__(self, resources: Resources, network: GpuNetwork, tiling: Tiling, contexts: int) -> None:
        """Create the lanes and run each once.

        Args:
            resources: GPU and kernels.
            network: The network, which the plan closes.
            tiling: How frames are cut.
            contexts: Number of lanes.

        Raises:
            OutOfMemory: There is not enough memory. All resources are released, the network too.
        """
        self.title = network.title
        self.tiling = tiling
        self.lanes: list[Passes] = []
        self._gpu = resources.engines.gpu
        self._network = network
        try:
            conversions = resources.conversions(network.interleaved)
            for _ in range(contexts):
                self.lanes.append(Passes(self._gpu, network, tiling, conversions))
            self._numbers = cycle(range(contexts))
            for lane in self.lanes:
                lane.queue_network()  # TensorRT-RTX compiles its kernels at the first run
            self.sync()
            network.save_runtime_cache()
        except BaseException:
            self.close()
            raise

    def next_lane(self) -> int:
        """The number of the lane for the next frame."""
        return next(self._numbers)

    def sync(self) -> None:
        """Wait until all lanes are idle."""
        for event in self.end_events():
            event.sync()

    def end_events(self) -> list[Event]:
        """Events that complete when the lanes have done the work queued so far, even if the plan is closed first."""
        events = [self._gpu.event() for _ in self.lanes]
        for lane, event in zip(self.lanes, events, strict=True):
            lane.stream.record(event)
        return events

    def close(self) -> None:
        """Free everything once the work in flight is done. May be called again."""
        while self.lanes:
            self.lanes.pop().close()
        self._network.close()


class FallbackLadder:
    """The execution plans for frames of one format that fit into a memory budget, from the fastest to the smallest."""

    def __init__(
        self, resources: Resources, source: FrameFormat, output: FrameFormat, contexts: int, budget: int, reserved: int
    ) -> None:
        """Create the ladder, without a plan.

        Args:
            resources: GPU, engines and kernels.
            source: Format of the frames.
            output: Format of the upscaled frames.
            contexts: Largest number of contexts.
            budget: GPU memory to use, in bytes.
            reserved: Memory for the frames in flight, in bytes, which every plan needs.
        """
        self._resources = resources
        self._model = resources.engines.model
        self._source, self._output = source, output
        self._budget = budget
        self._reserved = reserved
        self._candidates = self._all_candidates(contexts)
        self._bytes_per_pixel = 0.0  # of a context, for each pixel of a tile; known once an engine was loaded
        self._plan_bytes = 0.0  # of the plan that was created last

    def reserve(self, size: int) -> None:
        """Reserve `size` more bytes for frames in flight. Raises OutOfMemory if the current plan leaves no room."""
        if self._reserved + size + self._plan_bytes > self._budget:
            raise OutOfMemory(
                f"another stream of {self._source} does not fit into {self._budget_text}: "
                "raise `vram` or use fewer streams"
            )
        self._reserved += size

    def unreserve(self, size: int) -> None:
        """Release `size` reserved bytes."""
        self._reserved -= size

    def next_plan(self) -> ExecutionPlan:
        """Create the next plan that fits into the budget. Raises OutOfMemory if none is left."""
        for tiling, contexts in self._candidates:
            estimate = self._bytes_per_pixel * tiling.tile_width * tiling.tile_height
            if self._total(tiling, contexts, estimate) > self._budget:
                continue
            try:
                network = self._fitting_network(tiling, contexts)
                if network is not None:
                    plan = ExecutionPlan(self._resources, network, tiling, contexts)
                    self._plan_bytes = self._total_of(tiling, contexts, network) - self._reserved
                    return plan
            except OutOfMemory as error:
                log.warning("%s: trying fewer contexts or smaller tiles", error)
        raise OutOfMemory(
            f"frames of {self._source} do not fit into {self._budget_text}, in tiles or complete: "
            "raise `vram`, choose a smaller `model`, or set `backend` to onnx"
        )

    @property
    def _budget_text(self) -> str:
        return f"{self._budget / 2**30:.1f} GiB of GPU memory"

    def _all_candidates(self, contexts: int) -> Iterator[tuple[Tiling, int]]:
        for tiling in model_tilings(self._model, self._source.width, self._source.height):
            for fewer in sorted({contexts, min(contexts, 2), 1}, reverse=True):
                yield tiling, fewer

    def _fitting_network(self, tiling: Tiling, contexts: int) -> GpuNetwork | None:
        """Open the network for a tile; None if its contexts do not fit into the budget.

        An engine for several sizes needs the memory of its largest size, so one for this size alone is tried after it.
        """
        size = (tiling.tile_height, tiling.tile_width)
        for shapes in (None, Shapes.fixed(*size)):
            network = open_network(self._resources.engines, self._resources.engine, *size, shapes)
            if self._total_of(tiling, contexts, network) <= self._budget:
                return network
            network.close()
            if network.has_fixed_size:
                break
        self._bytes_per_pixel = network.context_bytes / (tiling.tile_width * tiling.tile_height)
        return None

    def _total_of(self, tiling: Tiling, contexts: int, network: GpuNetwork) -> float:
        return self._total(tiling, contexts, network.context_bytes, network.interleaved)

    def _total(self, tiling: Tiling, contexts: int, context_bytes: float, interleaved: bool = False) -> float:
        """GPU memory of a plan and of the frames in flight, in bytes."""
        return self._reserved + contexts * (
            context_bytes + memory_bytes(self._model, tiling, interleaved, self._output)
        )
