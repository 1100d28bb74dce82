"""The upscalers that are compared, uprez and its peers, one per file.

Each is a function that takes a `Case` and returns an `Upscaler`. `trial.py` runs one of them in a process of its own
and times it; `PEERS` lists them by the names that the command line and the reports use. Nothing here is imported before
it is needed, as each peer needs other libraries, some of which conflict in one process.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """One upscaler.

    Attributes:
        name: For the command line and reports.
        maker: "module:function" in this package.
        title: For tables.
        separate: Whether its packages are those of UPREZ_PEERS_SITE, which would shadow those of the others.
    """

    name: str
    maker: str
    title: str
    separate: bool = False


PEERS = {
    peer.name: peer
    for peer in (
        Peer("plain", "plain:make", "TensorRT, plain loop"),
        Peer("eager", "pytorch:eager", "PyTorch, eager"),
        Peer("compile", "pytorch:compiled", "PyTorch, torch.compile"),
        Peer("autotune", "pytorch:autotuned", "PyTorch, torch.compile, max-autotune-no-cudagraphs"),
        Peer("ort", "onnx_cuda:make", "ONNX Runtime, CUDA", separate=True),
        Peer("ort-nhwc", "onnx_cuda:make_nhwc", "ONNX Runtime, CUDA, prefer_nhwc", separate=True),
        Peer("vs-ort", "vs_mlrt:ort", "vs-mlrt, ONNX Runtime, CUDA", separate=True),
        Peer("vs-trt-rtx", "vs_mlrt:trt_rtx", "vs-mlrt, TensorRT-RTX", separate=True),
        Peer("vs-trt", "vs_mlrt:trt", "vs-mlrt, TensorRT", separate=True),
    )
}
