"""Upscaling on the CPU backend: in ONNX Runtime on the CPU, which works on any machine, or in a faster runtime."""

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
from pipeline.colour.resample import blend_with_source, resampled
from pipeline.errors import MismatchError
from pipeline.frame import Frame, FrameFormat, Plane
from pipeline.superres.cpu.network import CpuCascade, CpuNetwork
from pipeline.superres.output_check import check_upscaled
from pipeline.superres.session import Session, check_frame
from pipeline.superres.tiling import Tiling, model_tilings, upscale_in_tiles


@dataclass(frozen=True)
class CpuTicket:
    """Ticket of a frame.

    Attributes:
        tensor: Output of the network, (3, H, W) of RGB or (1, H, W) of luma.
        planes: Copies of the frame's planes, if its chroma or alpha bypasses the network; otherwise empty.
        pts: Presentation time of the frame.
        duration: Duration of the frame.
    """

    tensor: NDArray[Any]
    planes: tuple[Plane, ...]
    pts: int
    duration: int


class OnnxSession(Session[CpuTicket]):
    """A session on the CPU. `submit` runs the network, `collect` converts its output: two threads share the work."""

    def __init__(
        self,
        network: CpuNetwork | CpuCascade,
        source: FrameFormat,
        output: FrameFormat | None = None,
        tiling: Tiling | None = None,
        strength: float = 1.0,
    ) -> None:
        """Open a session.

        Args:
            network: The loaded model, which several sessions may share.
            source: Format of the frames to submit.
            output: Format of the upscaled frames; None for the source's format, enlarged.
            tiling: Tiles in which frames pass through the network; None for frames as complete as the model allows.
            strength: Share of the network in its blend with the resampled source, 0 to 1.

        Raises:
            MismatchError: Model, formats and tiling do not fit together.
        """
        super().__init__(network.model, source, output)
        self._tiling = tiling or next(model_tilings(network.model, source.width, source.height))
        if (self._tiling.width, self._tiling.height) != (source.width, source.height):
            raise MismatchError(f"frames are {source.width}x{source.height}, the tiling is for {tiling}")
        self._backend = network.backend
        self._strength = strength
        self._run_tile = network.runner()
        model = network.model
        noise = np.random.default_rng(0).random((model.channels, source.height, source.width), np.float32)
        self._tensor = (noise * model.value_range).astype(model.dtype)

    @property
    def backend(self) -> str:
        return self._backend

    def submit(self, frame: Frame) -> CpuTicket:
        check_frame(frame, self)
        convert = to_luma if self.model.channels == 1 else to_rgb
        convert(frame.planes, self.source, self._tensor, self.model.value_range)
        bypassed = self.model.channels == 1 or (self.source.pixel.alpha and self.output.pixel.alpha)
        planes = tuple(plane.copy() for plane in frame.planes) if bypassed else ()
        frame.release()
        enlarged = self._run()
        check_upscaled(enlarged, self._reordered(self._tensor), self.model)
        if self._strength < 1:
            blend_with_source(enlarged, self._reordered(self._tensor), self._strength)
        if is_hdr(self.source.colour):
            limit_overshoot(enlarged, self._reordered(self._tensor))
        return CpuTicket(enlarged, planes, frame.pts, frame.duration)

    def collect(self, ticket: CpuTicket) -> Frame:
        planes = self.output.split(np.empty(self.output.bytes, np.uint8))
        rgb = resampled(self._rgb(ticket), self.output.height, self.output.width)
        from_rgb(rgb, self.output, planes, self.model.value_range, self.dithers)
        if self.output.pixel.alpha and self.source.pixel.alpha:
            alpha.enlarge(ticket.planes[-1], self.source.pixel, self.output, planes[-1])
        elif self.output.pixel.alpha:
            planes[-1].fill(alpha.opaque_value(self.output.pixel))
        return Frame(self.output, planes, ticket.pts, ticket.duration)

    def queue_network(self, frames: int) -> None:
        for _ in range(frames):
            self._run()

    def abort(self) -> None:
        self._run_tile.abort()

    def close(self) -> None:
        self._run_tile.close()

    def _rgb(self, ticket: CpuTicket) -> NDArray[Any]:
        """The network's output as RGB."""
        if self.model.channels == 3:
            return self._reordered(ticket.tensor)
        rgb = np.empty((3, *ticket.tensor.shape[1:]), np.float32)
        with_chroma(ticket.tensor, ticket.planes, self.source, rgb, self.model.value_range)
        return rgb

    def _run(self) -> NDArray[Any]:
        return upscale_in_tiles(self._run_tile, self._reordered(self._tensor), self.model.scale, self._tiling)

    def _reordered(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """RGB in the model's order of channels, or the model's channels in the order of RGB."""
        return tensor[::-1] if self.model.order == "bgr" else tensor
