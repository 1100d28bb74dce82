"""ONNX Runtime's CUDA provider on tensors that stay on the device (IO binding); colour and copies by PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pipeline import BackendError, load_onnx_runtime
from upscalers.case import Case
from upscalers.tensors import DTYPES, TorchUpscaler

onnxruntime = load_onnx_runtime()


class Network:
    """Runs the ONNX file on RGB tensors, on `stream`, without waiting for it."""

    def __init__(self, case: Case, stream: Any, nhwc: bool) -> None:
        self._model, self._device = case.model, case.device
        height, width = case.height * self._model.scale, case.width * self._model.scale
        self._result = torch.empty((1, 3, height, width), dtype=DTYPES[self._model.dtype], device=case.device)
        provider = _provider(stream, nhwc) if stream else "CPUExecutionProvider"
        self._session = onnxruntime.InferenceSession(str(self._model.path), providers=[provider])
        if stream and "CUDAExecutionProvider" not in self._session.get_providers():
            raise BackendError("ONNX Runtime's CUDA provider is missing or does not load here")
        self._options = onnxruntime.RunOptions()
        self._options.add_run_config_entry("disable_synchronize_execution_providers", "1")

    def __call__(self, rgb: Tensor) -> Tensor:
        given = rgb.contiguous()
        binding = self._session.io_binding()
        for bind, name, tensor in (
            (binding.bind_input, self._model.input, given),
            (binding.bind_output, self._model.output, self._result),
        ):
            bind(name, self._device, 0, self._model.dtype.type, tuple(tensor.shape), tensor.data_ptr())
        self._session.run_with_iobinding(binding, self._options)
        return self._result


def _provider(stream: Any, nhwc: bool) -> tuple[str, dict[str, str]]:
    return "CUDAExecutionProvider", {"user_compute_stream": str(stream.cuda_stream), "prefer_nhwc": str(int(nhwc))}


def make(case: Case, nhwc: bool = False) -> TorchUpscaler:
    stream = torch.cuda.Stream() if case.device == "cuda" else None
    about = f"ONNX Runtime {onnxruntime.__version__} on {case.device}, IO binding, {'NHWC' if nhwc else 'NCHW'}"
    about += f"; colour by PyTorch {torch.__version__}, eager"
    return TorchUpscaler(case, Network(case, stream, nhwc), about, stream=stream)


def make_nhwc(case: Case) -> TorchUpscaler:
    return make(case, nhwc=True)
