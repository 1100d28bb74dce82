"""PyTorch, fp16 in channels_last: the network as a module with the ONNX file's own weights, eager or compiled."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from pipeline import ModelError, ModelSpec, load_onnx_runtime, psnr
from upscalers.case import Case
from upscalers.onnx_torch import OnnxModule
from upscalers.tensors import DTYPES, TorchUpscaler

_LEAST_PSNR = 40.0


def eager(case: Case) -> TorchUpscaler:
    return TorchUpscaler(case, _network(case), _about("eager"))


def compiled(case: Case, mode: str = "default") -> TorchUpscaler:
    compile = partial(torch.compile, mode=mode, fullgraph=True, dynamic=False)
    return TorchUpscaler(case, _network(case), _about(f"torch.compile, mode {mode}"), compile)


def autotuned(case: Case) -> TorchUpscaler:
    return compiled(case, "max-autotune-no-cudagraphs")


def _network(case: Case) -> nn.Module:
    return ChannelsLast(load_network(case.model, case.device))


class ChannelsLast(nn.Module):
    """A network whose input is converted to channels_last first."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._network = network

    def forward(self, rgb: Tensor) -> Tensor:
        output: Tensor = self._network(rgb.contiguous(memory_format=torch.channels_last))
        return output


def load_network(model: ModelSpec, device: str) -> OnnxModule:
    """The network in channels_last, compared with ONNX Runtime. Raises ModelError below 40 dB."""
    torch.backends.cudnn.benchmark = True
    network = OnnxModule(model).to(device, DTYPES[model.dtype], memory_format=torch.channels_last).eval()
    if (decibels := agreement(network, model, device)) < _LEAST_PSNR:
        raise ModelError(
            f"{model.name}: PyTorch's output is {decibels:.1f} dB from ONNX Runtime's; at least 40 is required"
        )
    return network


@torch.inference_mode()
def agreement(network: nn.Module, model: ModelSpec, device: str) -> float:
    """PSNR in dB between the network's output for a small image of noise and that of ONNX Runtime on the CPU."""
    noise = np.random.default_rng(0).random((1, 3, 36, 64)).astype(model.dtype)
    session = load_onnx_runtime().InferenceSession(str(model.path), providers=["CPUExecutionProvider"])
    (expected,) = session.run([model.output], {model.input: noise})
    answer = network(torch.from_numpy(noise).to(device)).cpu().numpy()
    return psnr(answer, expected, peak=model.value_range)


def _about(mode: str) -> str:
    return f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, channels_last, {mode}"
