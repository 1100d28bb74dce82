"""PyTorch, fp16 in channels_last: the network as a module with the ONNX file's own weights, eager or compiled."""

from __future__ import annotations

from functools import partial

import numpy as np
import onnx
import torch
from onnx.numpy_helper import to_array
from torch import Tensor, nn
from torch.nn import functional

from pipeline import ModelError, ModelSpec, load_onnx_runtime, psnr
from upscalers.case import Case
from upscalers.tensors import DTYPES, TorchUpscaler

_KNOWN = {"Conv", "PRelu", "DepthToSpace", "Resize", "Add"}
_LEAST_PSNR = 40.0


class Srvgg(nn.Module):
    """SRVGGNetCompact: convolutions with PReLU, a pixel shuffle, plus the input by nearest neighbour."""

    def __init__(self, model: ModelSpec) -> None:
        super().__init__()
        graph = onnx.load(str(model.path)).graph
        if unknown := {node.op_type for node in graph.node} - _KNOWN:
            raise ModelError(f"{model.name}: not an SRVGG network: it contains {', '.join(sorted(unknown))}")
        weights = {tensor.name: torch.from_numpy(to_array(tensor).copy()) for tensor in graph.initializer}
        layers = [_layer(node, weights) for node in graph.node if node.op_type in ("Conv", "PRelu")]
        self._body = nn.Sequential(*layers)
        self._scale = model.scale

    def forward(self, rgb: Tensor) -> Tensor:
        rgb = rgb.contiguous(memory_format=torch.channels_last)
        detail = functional.pixel_shuffle(self._body(rgb), self._scale)
        return detail + functional.interpolate(rgb, scale_factor=self._scale, mode="nearest")


def _layer(node: onnx.NodeProto, weights: dict[str, Tensor]) -> nn.Module:
    first = weights[node.input[1]]
    if node.op_type == "PRelu":
        slopes = nn.PReLU(first.numel())
        slopes.weight.data = first.flatten()
        return slopes
    convolution = nn.Conv2d(first.shape[1], first.shape[0], 3, padding=1)
    convolution.weight.data, convolution.bias.data = first, weights[node.input[2]]
    return convolution


def eager(case: Case) -> TorchUpscaler:
    return TorchUpscaler(case, _network(case), _about("eager"))


def compiled(case: Case, mode: str = "default") -> TorchUpscaler:
    compile = partial(torch.compile, mode=mode, fullgraph=True, dynamic=False)
    return TorchUpscaler(case, _network(case), _about(f"torch.compile, mode {mode}"), compile)


def autotuned(case: Case) -> TorchUpscaler:
    return compiled(case, "max-autotune-no-cudagraphs")


def _network(case: Case) -> Srvgg:
    torch.backends.cudnn.benchmark = True
    network = Srvgg(case.model).to(case.device, DTYPES[case.model.dtype], memory_format=torch.channels_last).eval()
    if (decibels := agreement(network, case)) < _LEAST_PSNR:
        raise
    ModelError(f"{case.network}: PyTorch's output is {decibels:.1f} dB from ONNX Runtime's; at least 40 is required")
    return network


@torch.inference_mode()
def agreement(network: nn.Module, case: Case) -> float:
    """PSNR in dB between the network's output for a small image of noise and that of ONNX Runtime on the CPU."""
    model = case.model
    noise = np.random.default_rng(0).random((1, 3, 36, 64)).astype(model.dtype)
    session = load_onnx_runtime().InferenceSession(str(model.path), providers=["CPUExecutionProvider"])
    (expected,) = session.run([model.output], {model.input: noise})
    answer = network(torch.from_numpy(noise).to(case.device)).cpu().numpy()
    return psnr(answer, expected, peak=model.value_range)


def _about(mode: str) -> str:
    return f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, channels_last, {mode}"
