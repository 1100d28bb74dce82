"""Upscaling by ONNX Runtime on the CPU: what any machine can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour import alpha
from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.colour.h273 import is_hdr
from pipeline.colour.hdr_limit import limit_overshoot
from pipeline.colour.luma import to_luma, with_chroma
from pipeline.errors import MismatchError
from pipeline.frame import Frame, FrameFormat, Plane
from pipeline.models.spec import ModelSpec
from pipeline.superres.cpu.network import CpuNetwork
from pipeline.superres.session import Session, check_frame
from pipeline.superres.tiling import Tiling, upscaled


@dataclass(frozen=True)
class Upscaled:
    """A ticket: the network's output, (3, H, W) of RGB or (1, H, W) of luma, and the time of its frame.

    planes: those of the frame, where its chroma or alpha goes past the network.
    """

    tensor: NDArray[Any]
    planes: tuple[Plane, ...]
    pts: int
    duration: int


class OnnxSession(Session[Upscaled]):
    """`submit` converts to RGB or luma and runs the network, `collect` converts back: two threads share the work.

    threads: for the network; 0 takes as many as there are cores. tiling: in what pieces frames go through the network;
    None is whole. network: the model as it was loaded for several sessions, with the threads it was loaded with.
    Raises MismatchError where the tiling was made for frames of another size.
    """

    def __init__(
        self,
        model: ModelSpec,
        source: FrameFormat,
        result: FrameFormat | None = None,
        threads: int = 0,
        tiling: Tiling | None = None,
        network: CpuNetwork | None = None,
    ) -> None:
        super().__init__(model, source, result)
        self._tiling = tiling or Tiling(source.width, source.height, source.width, source.height)
        if (self._tiling.width, self._tiling.height) != (source.width, source.height):
            raise MismatchError(f"frames are {source.width}x{source.height}, the tiling is for {tiling}")
        network = network or CpuNetwork(model, threads)
        self._backend = network.backend
        self._network = network.runs()
        noise = np.random.default_rng(0).random((model.channels, source.height, source.width), np.float32)
        self._tensor = (noise * model.value_range).astype(model.dtype)

    @property
    def backend(self) -> str:
        return self._backend

    def submit(self, frame: Frame) -> Upscaled:
        check_frame(frame, self)
        convert = to_luma if self.model.channels == 1 else to_rgb
        convert(frame.planes, self.source, self._tensor, self.model.value_range)
        aside = self.model.channels == 1 or (self.source.pixel.alpha and self.result.pixel.alpha)
        planes = tuple(plane.copy() for plane in frame.planes) if aside else ()
        frame.release()
        made = self._run()
        if is_hdr(self.source.colour):
            limit_overshoot(made, self._ordered(self._tensor))
        return Upscaled(made, planes, frame.pts, frame.duration)

    def collect(self, ticket: Upscaled) -> Frame:
        planes = self.result.split(np.empty(self.result.bytes, np.uint8))
        from_rgb(self._rgb(ticket), self.result, planes, self.model.value_range, self.dithers)
        if self.result.pixel.alpha and self.source.pixel.alpha:
            alpha.enlarge(ticket.planes[-1], self.source.pixel, self.result, planes[-1])
        elif self.result.pixel.alpha:
            planes[-1].fill(alpha.opaque_value(self.result.pixel))
        return Frame(self.result, planes, ticket.pts, ticket.duration)

    def queue(self, frames: int) -> None:
        for _ in range(frames):
            self._run()

    def abort(self) -> None:
        self._network.abort()

    def close(self) -> None:
        self._network.close()

    def _rgb(self, ticket: Upscaled) -> NDArray[Any]:
        """What the network made, as RGB."""
        if self.model.channels == 3:
            return self._ordered(ticket.tensor)
        rgb = np.empty((3, *ticket.tensor.shape[1:]), np.float32)
        with_chroma(ticket.tensor, ticket.planes, self.source, rgb, self.model.value_range)
        return rgb

    def _run(self) -> NDArray[Any]:
        return upscaled(self._network, self._ordered(self._tensor), self.model.scale, self._tiling)

    def _ordered(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """RGB with its planes in the model's order, or what the model gave with its planes in RGB's."""
        return tensor[::-1] if self.model.order == "bgr" else tensor
