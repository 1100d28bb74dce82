"""Upscaling by ONNX Runtime on the CPU: what any machine can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.errors import BackendError, MismatchError
from pipeline.frame import Frame, FrameFormat, PixelFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.session import Session, check_frame
from pipeline.superres.tiling import Tiling, upscaled


@dataclass(frozen=True)
class Upscaled:
    """A ticket: the network's output, (3, H, W), still RGB, and the time of its frame."""

    rgb: NDArray[Any]
    pts: int
    duration: int


class OnnxCpuSession(Session[Upscaled]):
    """`submit` converts to RGB and runs the network, `collect` converts back: two threads share the work.

    threads: for the network; 0 takes as many as there are cores. tiling: in what pieces frames go through the network;
    None is whole. Raises MismatchError where it was made for frames of another size.
    """

    def __init__(
        self,
        model: ModelSpec,
        source: FrameFormat,
        pixel: PixelFormat | None = None,
        threads: int = 0,
        tiling: Tiling | None = None,
    ) -> None:
        super().__init__(model, source, pixel)
        self._tiling = tiling or Tiling(source.width, source.height, source.width, source.height)
        if (self._tiling.width, self._tiling.height) != (source.width, source.height):
            raise MismatchError(f"frames are {source.width}x{source.height}, the tiling is for {tiling}")
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        # Its threads would spin between frames, on cores that the codecs need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
        self._version = ort.__version__
        noise = np.random.default_rng(0).random((3, source.height, source.width), np.float32)
        self._rgb = (noise * model.white).astype(model.dtype)

    @property
    def backend(self) -> str:
        return f"ONNX Runtime {self._version} on the CPU"

    def submit(self, frame: Frame) -> Upscaled:
        check_frame(frame, self)
        to_rgb(frame.planes, self.source, self._rgb, self.model.white)
        frame.release()
        return Upscaled(self._run(), frame.pts, frame.duration)

    def collect(self, ticket: Upscaled) -> Frame:
        planes = self.result.split(np.empty(self.result.bytes, np.uint8))
        from_rgb(self._ordered(ticket.rgb), self.result, planes, self.model.white)
        return Frame(self.result, planes, ticket.pts, ticket.duration)

    def queue(self, frames: int) -> None:
        for _ in range(frames):
            self._run()

    def close(self) -> None:
        del self._session

    def _run(self) -> NDArray[Any]:
        return upscaled(self._network, self._ordered(self._rgb), self.model.scale, self._tiling)

    def _ordered(self, rgb: NDArray[Any]) -> NDArray[Any]:
        """`rgb` with its planes in the model's order, or what the model gave with its planes in RGB's."""
        return rgb if self.model.order == "rgb" else rgb[::-1]

    def _network(self, rgb: NDArray[Any]) -> NDArray[Any]:
        try:
            result: NDArray[Any]
            (result,) = self._session.run([self.model.output], {self.model.input: np.ascontiguousarray(rgb)})
        except Exception as error:  # ONNX Runtime's errors have no common parent
            raise BackendError(f"ONNX Runtime failed on {self.model}: {str(error).splitlines()[0]}") from error
        *_, height, width = rgb.shape
        expected = (1, 3, height * self.model.scale, width * self.model.scale)
        if result.shape != expected:
            raise MismatchError(f"{self.model.name} gave {result.shape} for {width}x{height}, {expected} was expected")
        return result
