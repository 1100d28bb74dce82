"""What is done to a frame on the GPU between its two copies, on one compute stream.

samples ─▶ to_rgb ─▶ network ─▶ from_rgb ─▶ samples
samples ─▶ to_rgb ─▶ (cut ─▶ network ─▶ paste) for each tile ─▶ from_rgb ─▶ samples

A network that enlarges luma alone has to_luma before it, and with_chroma, which looks at the samples again, behind it.
What it makes of HDR is limited first. Alpha goes past the network.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.launch import Conversions, Cut, Paste
from pipeline.superres.gpu.tensorrt.network import Network
from pipeline.superres.tiling import Tiling
from pipeline.system.cuda import Gpu

if TYPE_CHECKING:
    from cuda.core import Buffer, Stream

Mark = Callable[[str], None]


class Passes:
    """The passes of one frame at a time, whole or in tiles, in memory of their own. Raises OutOfMemory."""

    def __init__(self, gpu: Gpu, network: Network, tiling: Tiling, conversions: Conversions) -> None:
        self._conversions = conversions
        self._tiling = tiling
        with ExitStack() as memory:

            def allocated(size: int) -> Buffer:
                room = gpu.allocate(size, self.stream)
                memory.callback(room.close, self.stream)
                return room

            self._lane = network.lane()
            memory.callback(self._lane.close)
            self.stream: Stream = self._lane.stream
            self._input, self._output = self._lane.input, self._lane.output
            if not tiling.whole:
                self._input = allocated(tensor_bytes(network.model, tiling.width, tiling.height))
                self._output = allocated(tensor_bytes(network.model, tiling.width, tiling.height, enlarged=True))
                self._cut = Cut(gpu.device, tiling, network.model)
                self._paste = Paste(gpu.device, tiling, network.model)
            self._rgb = self._output
            if conversions.with_chroma:
                self._rgb = allocated(3 * tensor_bytes(network.model, tiling.width, tiling.height, enlarged=True))
            self._memory = memory.pop_all()

    def queue(self, samples: int, result: int, mark: Mark) -> None:
        """Queue all passes for the packed frame at device address `samples`, into the one at `result`.

        mark: called with a name after each pass.
        """
        given, output, rgb = (int(tensor.handle) for tensor in (self._input, self._output, self._rgb))
        self._conversions.to_tensor(self.stream, samples, given)
        mark("to_rgb")
        self.network()
        mark("network")
        if self._conversions.limit:
            self._conversions.limit(self.stream, given, output)
        if self._conversions.with_chroma:
            self._conversions.with_chroma(self.stream, output, samples, rgb)
        self._conversions.from_rgb(self.stream, rgb, result)
        if self._conversions.alpha:
            self._conversions.alpha(self.stream, samples, result)
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


def tensor_bytes(model: ModelSpec, width: int, height: int, enlarged: bool = False) -> int:
    """Bytes of the network's tensor of a picture, or of what it makes of that."""
    return model.channels * width * height * model.dtype.itemsize * (model.scale**2 if enlarged else 1)


def memory_bytes(model: ModelSpec, tiling: Tiling) -> int:
    """Bytes of GPU memory that Passes take, but for what the network works in."""
    sizes = {(tiling.tile_width, tiling.tile_height), (tiling.width, tiling.height)}
    tensors = sum(tensor_bytes(model, *size, enlarged) for size in sizes for enlarged in (False, True))
    luma_alone = model.channels == 1
    return tensors + (3 * tensor_bytes(model, tiling.width, tiling.height, enlarged=True) if luma_alone else 0)
