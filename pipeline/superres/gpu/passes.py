"""The kernels that process a frame on the GPU between its two copies, on one compute stream.

    samples ─▶ to_rgb ─▶ network ─▶ blend ─▶ limit ─▶ resample ─▶ from_rgb ─▶ samples
    samples ─▶ to_rgb ─▶ (cut ─▶ network ─▶ paste) for each tile ─▶ the same

The network may be a cascade of several (network_cascade.py). Its output is blended with its resampled input if its
strength is below 1, limited if the frames are HDR, and resampled if the output has another size. For a network that
upscales luma alone, to_luma replaces to_rgb, and with_chroma, which reads the source samples again, precedes the
resampling. Alpha bypasses the network.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.launch import ConversionKernels, CutTile, PasteTile
from pipeline.superres.gpu.network_choice import GpuNetwork
from pipeline.superres.gpu.samples import Samples
from pipeline.superres.tiling import Tiling
from pipeline.system.cuda import Gpu

if TYPE_CHECKING:
    from cuda.core import Buffer, Stream

Mark = Callable[[str], None]


class Passes:
    """The passes of one frame at a time, complete or in tiles, with device memory of their own.

    Attributes:
        stream: The compute stream.
    """

    def __init__(self, gpu: Gpu, network: GpuNetwork, tiling: Tiling, conversions: ConversionKernels) -> None:
        """Create an execution context and allocate the tensors. Raises OutOfMemory."""
        self._conversions = conversions
        self._tiling = tiling
        with ExitStack() as memory:

            def allocate(size: int) -> Buffer:
                buffer = gpu.allocate(size, self.stream)
                memory.callback(buffer.close, self.stream)
                return buffer

            self._lane = network.lane()
            memory.callback(self._lane.close)
            self.stream: Stream = self._lane.stream
            self._input, self._output = self._lane.input, self._lane.output
            if not tiling.is_single_tile:
                pixel_bytes = self._lane.input.size // (tiling.tile_width * tiling.tile_height)
                self._input = allocate(pixel_bytes * tiling.width * tiling.height)
                self._output = allocate(tensor_bytes(network.model, tiling.width, tiling.height, enlarged=True))
                self._cut = CutTile(gpu.device, tiling, network.model, network.interleaved)
                self._paste = PasteTile(gpu.device, tiling, network.model)
            self._rgb = self._output
            if conversions.with_chroma:
                self._rgb = allocate(3 * tensor_bytes(network.model, tiling.width, tiling.height, enlarged=True))
            resample = conversions.resample
            final = allocate(resample.output_bytes) if resample else self._rgb
            self._addresses = tuple(int(each.handle) for each in (self._input, self._output, self._rgb, final))
            self._memory = memory.pop_all()

    def queue(self, samples: Samples, output: int, mark: Mark | None = None) -> None:
        """Queue all passes for a frame.

        Args:
            samples: The samples of the source frame.
            output: Device address of the packed upscaled frame.
            mark: Called with the name of each pass after it was queued.
        """
        mark = mark or _ignore
        source, enlarged, rgb, final = self._addresses
        self._conversions.to_tensor(self.stream, samples, source)
        mark("to_rgb")
        self.queue_network()
        mark("network")
        if self._conversions.blend:
            self._conversions.blend(self.stream, source, enlarged)
        if self._conversions.limit:
            self._conversions.limit(self.stream, source, enlarged)
        if self._conversions.with_chroma:
            self._conversions.with_chroma(self.stream, enlarged, samples, rgb)
        if self._conversions.resample:
            self._conversions.resample(self.stream, rgb, final)
        self._conversions.from_rgb(self.stream, final, output)
        if self._conversions.alpha:
            self._conversions.alpha(self.stream, samples, output)
        mark("from_rgb")

    def queue_network(self) -> None:
        """Queue the network alone, for the complete frame."""
        if self._tiling.is_single_tile:
            self._lane.run()
            return
        for tile in self._tiling.tiles:
            self._cut(self.stream, int(self._input.handle), int(self._lane.input.handle), tile)
            self._lane.run()
            self._paste(self.stream, int(self._output.handle), int(self._lane.output.handle), tile)

    def close(self) -> None:
        """Free the memory. No work may be in flight."""
        self._memory.close()


def _ignore(name: str) -> None:
    """The mark of frames that are not traced."""


def tensor_bytes(model: ModelSpec, width: int, height: int, enlarged: bool = False) -> int:
    """Size in bytes of the network's input tensor for an image, or of its output tensor."""
    return model.channels * width * height * model.dtype.itemsize * (model.scale**2 if enlarged else 1)


def memory_bytes(model: ModelSpec, tiling: Tiling, interleaved: bool = False, output: FrameFormat | None = None) -> int:
    """GPU memory in bytes that Passes allocate, without what the network's context works in.

    Args:
        model: The network.
        tiling: How frames are cut.
        interleaved: Whether the network's input has four elements for each pixel.
        output: Format of the upscaled frames; None for one that needs no resampling.
    """
    sizes = {(tiling.tile_width, tiling.tile_height), (tiling.width, tiling.height)}
    tensors = sum(tensor_bytes(model, *size, enlarged) for size in sizes for enlarged in (False, True))
    if interleaved:
        tensors += sum(width * height for width, height in sizes) * (4 - model.channels) * model.dtype.itemsize
    if output and (output.width, output.height) != (model.scale * tiling.width, model.scale * tiling.height):
        tensors += 3 * output.width * output.height * model.dtype.itemsize
    luma_alone = model.channels == 1
    return tensors + (3 * tensor_bytes(model, tiling.width, tiling.height, enlarged=True) if luma_alone else 0)
