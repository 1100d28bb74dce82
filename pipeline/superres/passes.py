"""What is done to a frame on the GPU between its two copies, on one compute stream.

samples ─▶ to_rgb ─▶ network ─▶ from_rgb ─▶ samples
samples ─▶ to_rgb ─▶ (cut ─▶ network ─▶ paste) for each tile ─▶ from_rgb ─▶ samples
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pipeline.cuda import Gpu
from pipeline.models.spec import ModelSpec
from pipeline.superres.kernels import Cut, FromRgb, Paste, ToRgb
from pipeline.superres.network import Network
from pipeline.superres.tiling import Tiling

if TYPE_CHECKING:
    from cuda.core import Stream

Mark = Callable[[str], None]


class Passes:
    """The passes of one frame at a time, whole or in tiles, in memory of their own. Raises OutOfMemory."""

    def __init__(self, gpu: Gpu, network: Network, tiling: Tiling, to_rgb: ToRgb, from_rgb: FromRgb) -> None:
        self._to_rgb, self._from_rgb = to_rgb, from_rgb
        self._tiling = tiling
        with ExitStack() as memory:
            self._lane = network.lane()
            memory.callback(self._lane.close)
            self.stream: Stream = self._lane.stream
            self._input, self._output = self._lane.input, self._lane.output
            if not tiling.whole:
                size = rgb_bytes(network.model, tiling.width, tiling.height)
                self._input = gpu.allocate(size, self.stream)
                memory.callback(self._input.close, self.stream)
                self._output = gpu.allocate(size * network.model.scale**2, self.stream)
                memory.callback(self._output.close, self.stream)
                self._cut = Cut(gpu.device, tiling, network.model)
                self._paste = Paste(gpu.device, tiling, network.model)
            self._memory = memory.pop_all()

    def queue(self, samples: int, result: int, mark: Mark) -> None:
        """Queue all passes for the packed frame at device address `samples`, into the one at `result`.

        mark: called with a name after each pass.
        """
        self._to_rgb(self.stream, samples, int(self._input.handle))
        mark("to_rgb")
        self.network()
        mark("network")
        self._from_rgb(self.stream, int(self._output.handle), result)
        mark("from_rgb")

    def network(self) -> None:
        """Queue the network alone, over the whole frame."""
        if self._tiling.whole:
            self._lane.run()
            return
        for tile in self._tiling.tiles:
            self._cut(self.stream, int(self._input.handle), int(self._lane.input.handle), tile)
            self._lane.run()
            self._paste(self.stream, int(self._output.handle), int(self._lane.output.handle), tile)

    def close(self) -> None:
        """Free the memory; nothing may be under way."""
        self._memory.close()


def rgb_bytes(model: ModelSpec, width: int, height: int) -> int:
    """Bytes of the network's tensor of a picture."""
    return 3 * width * height * model.dtype.itemsize
