"""Ways to upscale a video that are set side by side: ours and its peers, one a file.

A way is a function that takes a `Case` and gives an `Upscaler`. `trial.py` runs one of them in a process of its own and
times it; `PEERS` lists them all by the names that the command line and the reports use. Nothing here is imported before
it is needed, since each way wants other libraries and some of these do not get along in one process.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """One way to upscale.

    maker: "module:function" under this package. title: for tables. apart: whether its packages are those of
    UPREZ_PEERS_SITE, kept apart because they would shadow what the others use.
    """

    name: str
    maker: str
    title: str
    apart: bool = False


PEERS = {
    peer.name: peer
    for peer in (
        Peer("plain", "plain:make", "TensorRT, plain loop"),
        Peer("eager", "pytorch:eager", "PyTorch, eager"),
        Peer("compile", "pytorch:compiled", "PyTorch, torch.compile"),
        Peer("autotune", "pytorch:autotuned", "PyTorch, torch.compile, max-autotune-no-cudagraphs"),
        Peer("ort", "onnx_cuda:make", "ONNX Runtime, CUDA", apart=True),
        Peer("ort-nhwc", "onnx_cuda:make_nhwc", "ONNX Runtime, CUDA, prefer_nhwc", apart=True),
        Peer("vs-ort", "vs_mlrt:ort", "vs-mlrt, ONNX Runtime, CUDA", apart=True),
        Peer("vs-trt-rtx", "vs_mlrt:trt_rtx", "vs-mlrt, TensorRT-RTX", apart=True),
        Peer("vs-trt", "vs_mlrt:trt", "vs-mlrt, TensorRT", apart=True),
    )
}
