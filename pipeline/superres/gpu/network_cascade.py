"""A cascade of networks on one GPU, which is itself a network: each by fused kernels or TensorRT, on one stream.

    input ─▶ network ─▶ adapt ─▶ network ─▶ … ─▶ output

A network reads another tensor than the one before it has written, in its own layout, so a kernel copies between them.
Frames are cut into tiles around the cascade, not around each network: a tile passes through all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.gpu.launch import Adapt
from pipeline.system.cuda import Gpu

if TYPE_CHECKING:
    from cuda.core import Buffer, Stream

    from pipeline.superres.gpu.network_choice import GpuLane, GpuNetwork

_INTERLEAVED_PLANES = 4


class CascadeNetwork:
    """Networks that run one after the other, for images of one size.

    Attributes:
        model: The cascade.
        context_bytes: GPU memory of each lane in bytes, without its input and output.
        links: For each network, the kernel that converts its output: for the next network, or at the end to the
            conventions of the cascade, whose tensors are those of its first network. None: nothing to convert.
    """

    def __init__(self, gpu: Gpu, model: ModelSpec, networks: Sequence[GpuNetwork], size: HeightWidth) -> None:
        """Compile the kernels between networks.

        Args:
            gpu: The GPU.
            model: The cascade.
            networks: The network of each of its steps, which the cascade closes.
            size: (H, W) of the images.

        Raises:
            BackendError: A kernel can't be compiled.
        """
        self.gpu, self.model = gpu, model
        self.networks = tuple(networks)
        sizes = [size]
        for network in networks:
            height, width = sizes[-1]
            sizes.append((height * network.model.scale, width * network.model.scale))
        self.links = self._links(sizes[1:])
        height, width = sizes[-1]
        self.output_bytes = height * width * model.channels * model.dtype.itemsize
        self.context_bytes = sum(network.context_bytes for network in networks) + self._inner_bytes(sizes)

    @property
    def title(self) -> str:
        """What runs the networks, for tables."""
        return " and ".join(dict.fromkeys(network.title for network in self.networks))

    @property
    def interleaved(self) -> bool:
        """Whether the input tensor is (H, W, 4) instead of (1, C, H, W)."""
        return self.networks[0].interleaved

    @property
    def has_fixed_size(self) -> bool:
        """Whether all engines support this size alone."""
        return all(network.has_fixed_size for network in self.networks)

    def lane(self, stream: Stream | None = None) -> CascadeLane:
        """Create a lane of each network, all with `stream` or a stream of their own. Raises OutOfMemory."""
        return CascadeLane(self, stream)

    def save_runtime_cache(self) -> None:
        """Cache what the networks compiled at their first run."""
        for network in self.networks:
            network.save_runtime_cache()

    def close(self) -> None:
        """Free the networks. The lanes must be closed."""
        with ExitStack() as closing:
            for network in self.networks:
                closing.callback(network.close)

    def _links(self, sizes: Sequence[HeightWidth]) -> list[Adapt | None]:
        links: list[Adapt | None] = []
        following = [*self.networks[1:], None]
        for network, after, (height, width) in zip(self.networks, following, sizes, strict=True):
            if after is not None:
                size = width, height
                links.append(Adapt(self.gpu.device, network.model, after.model, size, after.interleaved))
            elif _conventions(network.model) != _conventions(self.model):
                links.append(Adapt(self.gpu.device, network.model, self.model, (width, height)))
            else:
                links.append(None)
        return links

    def _inner_bytes(self, sizes: Sequence[HeightWidth]) -> int:
        """Bytes of the tensors between the networks."""
        total = 0
        for number, (network, (height, width)) in enumerate(zip(self.networks, sizes, strict=False)):
            model = network.model
            pixel_bytes = height * width * model.dtype.itemsize
            if number > 0:
                total += pixel_bytes * (_INTERLEAVED_PLANES if network.interleaved else model.channels)
            if self.links[number] is not None:
                total += pixel_bytes * model.channels * model.scale**2
        return total


class CascadeLane:
    """The lanes of all networks of a cascade, on one stream.

    Attributes:
        stream: The compute stream.
        input: Device memory of the first network's input.
        output: Device memory of the cascade's output, (1, C, scale H, scale W).
    """

    def __init__(self, network: CascadeNetwork, stream: Stream | None = None) -> None:
        """Create the lanes. Raises OutOfMemory."""
        self._network = network
        with ExitStack() as opened:
            self._lanes: list[GpuLane] = []
            for each in network.networks:
                lane = each.lane(stream)
                opened.callback(lane.close)
                self._lanes.append(lane)
                stream = lane.stream
            assert stream is not None
            self.stream: Stream = stream
            self.input: Buffer = self._lanes[0].input
            self.output: Buffer = self._lanes[-1].output
            if network.links[-1] is not None:
                self.output = network.gpu.allocate(network.output_bytes, stream)
                opened.callback(self.output.close, stream)
            targets = [*(lane.input for lane in self._lanes[1:]), self.output]
            self._addresses = [
                (int(lane.output.handle), int(target.handle)) for lane, target in zip(self._lanes, targets, strict=True)
            ]
            self._opened = opened.pop_all()

    def run(self) -> None:
        """Queue the networks on the stream. Raises OutOfMemory or BackendError."""
        for lane, link, addresses in zip(self._lanes, self._network.links, self._addresses, strict=True):
            lane.run()
            if link is not None:
                link(self.stream, *addresses)

    def run_once(self, image: NDArray[Any]) -> NDArray[Any]:
        """Copy an image, (1, C, H, W), to the GPU, run the networks, and return their output once it is done."""
        model, interleaved = self._network.model, self._network.interleaved
        pixels = image.astype(model.dtype)
        if interleaved:
            padded = np.pad(pixels[0], ((0, _INTERLEAVED_PLANES - model.channels), (0, 0), (0, 0)))
            pixels = np.ascontiguousarray(padded.transpose(1, 2, 0))
        with ExitStack() as memory:
            source = self._network.gpu.pinned(self.input.size)
            memory.callback(source.close)
            output = self._network.gpu.pinned(self.output.size)
            memory.callback(output.close)
            source.array[:] = pixels.ravel().view(np.uint8)
            self.input.copy_from(source.buffer, stream=self.stream)
            self.run()
            self.output.copy_to(output.buffer, stream=self.stream)
            self.stream.sync()
            height, width = (model.scale * side for side in image.shape[2:])
            return output.array.copy().view(model.dtype).reshape(1, model.channels, height, width)

    def close(self) -> None:
        """Free the lanes, once the stream is idle."""
        self.stream.sync()
        self._opened.close()


def _conventions(model: ModelSpec) -> tuple[object, ...]:
    return model.dtype, model.order, model.value_range
