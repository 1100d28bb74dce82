"""TensorRT in a plain loop, as in tutorials and ports of Real-ESRGAN.

One context, one stream; every step waits for the one before. PyAV decodes with its default threading to RGB, NumPy
converts the frame to a tensor and back, copies are from and to pageable memory.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from pipeline import BackendError, Settings, choose_backend
from upscalers.case import Case
from upscalers.clip import decoded
from upscalers.engine import engine


class PlainLoop:
    threaded = False

    def __init__(self, case: Case) -> None:
        self._case = case
        self._network = TensorRt(case)
        self.about = f"{self._network.about}, one context, one stream, pageable memory, NumPy"

    def frames(self) -> Generator[NDArray[np.uint8], None, None]:
        for frame in decoded(self._case.clip):
            yield self._upscale(frame.to_ndarray(format="rgb24"))

    def to_av_frame(self, frame: NDArray[np.uint8]) -> av.VideoFrame:
        return av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p", dst_colorspace="ITU709")

    def _upscale(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        scaled = image.astype(np.float32) / 255
        tensor = np.ascontiguousarray(scaled.transpose(2, 0, 1)[None]).astype(self._case.model.dtype)
        result = self._network(tensor)[0].astype(np.float32)
        return np.ascontiguousarray((np.clip(result, 0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0))


class TensorRt:
    """Runs the network on tensors in main memory and waits for its output."""

    def __init__(self, case: Case) -> None:
        from cuda.bindings import runtime

        choose_backend(Settings.load(None, backend="tensorrt"))  # raises without a GPU
        self._runtime, model = runtime, case.model
        built = engine(case)
        trt = importlib.import_module(built.module)
        self.about = f"{built.module} {built.version}"
        self._trt = trt.Runtime(trt.Logger())
        self._engine = self._trt.deserialize_cuda_engine(built.data)
        if self._engine is None:
            raise BackendError("the engine does not load; TensorRT's log has the reason")
        self._context = self._engine.create_execution_context()
        self._stream = self._call(runtime.cudaStreamCreate())
        shape = (1, 3, case.height, case.width)
        self._output = np.empty((1, 3, case.height * model.scale, case.width * model.scale), model.dtype)
        self._device_in = self._call(runtime.cudaMalloc(np.empty(shape, model.dtype).nbytes))
        self._device_out = self._call(runtime.cudaMalloc(self._output.nbytes))
        self._context.set_input_shape(model.input, shape)
        self._context.set_tensor_address(model.input, int(self._device_in))
        self._context.set_tensor_address(model.output, int(self._device_out))

    def __call__(self, tensor: NDArray[Any]) -> NDArray[Any]:
        kind = self._runtime.cudaMemcpyKind
        self._copy(self._device_in, tensor.ctypes.data, tensor.nbytes, kind.cudaMemcpyHostToDevice)
        if not self._context.execute_async_v3(int(self._stream)):
            raise BackendError("TensorRT refused to run")
        self._call(self._runtime.cudaStreamSynchronize(self._stream))
        self._copy(self._output.ctypes.data, self._device_out, self._output.nbytes, kind.cudaMemcpyDeviceToHost)
        self._call(self._runtime.cudaStreamSynchronize(self._stream))
        return self._output

    def _copy(self, to: int, source: int, size: int, kind: Any) -> None:
        self._call(self._runtime.cudaMemcpyAsync(to, source, size, kind, self._stream))

    def _call(self, result: tuple[Any, ...]) -> Any:
        status, *value = result
        if int(status) != 0:
            raise BackendError(f"CUDA failed: {status.name}")
        return value[0] if value else None


def make(case: Case) -> PlainLoop:
    return PlainLoop(case)
