"""The bare rates of networks in PyTorch: `python -m upscalers.bare TASK`, a JSON object; writes a line of JSON each.

In a process of its own, which can be killed if a compiler hangs. fp16, channels_last, on a textured image that is
already on the device; the loop that is timed is that of `uprez bench --engines`.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, Field
from torch import Tensor
from torch.nn import functional

from pipeline import find_model, frames_per_second
from upscalers.pytorch import load_network


class BareTask(BaseModel):
    """What to measure: each mode on each network and size. `device` "cpu" is for trying the code out, in fp32."""

    networks: list[str]
    sizes: list[tuple[int, int]]
    modes: list[str]
    seconds: float
    device: Literal["cuda", "cpu"] = "cuda"


class BareRow(BaseModel):
    """One mode of PyTorch on one network and size."""

    network: str
    size: str = Field(description="WIDTHxHEIGHT of the input in pixels")
    mode: str = Field(description='"eager", or the mode of torch.compile')
    about: str = Field(description="versions of PyTorch and cuDNN")
    rate: float | None = Field(None, description="frames per second")
    compile_seconds: float | None = Field(None, description="time until the first output")
    reason: str | None = Field(None, description="why it was not measured")


class TorchLane:
    """A network on one image. Its runs are queued on PyTorch's current stream.

    Attributes:
        stream: What is waited for.
    """

    def __init__(self, run: Any, image: Tensor) -> None:
        self.stream: Any = self
        self._run, self._image = run, image

    def run(self) -> None:
        """Queue the network once."""
        if self._image.is_cuda:
            torch.compiler.cudagraph_mark_step_begin()  # the output of the run before may be overwritten
        self._run(self._image)

    def sync(self) -> None:
        """Wait until all runs are done."""
        if self._image.is_cuda:
            torch.cuda.synchronize()


def textured(height: int, width: int, channels: int, dtype: torch.dtype, device: str) -> Tensor:
    """Smooth shapes with grain, (1, channels, H, W) from 0 to 1, in channels_last."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand((1, channels, height // 16 + 4, width // 16 + 4), generator=generator)
    shapes = functional.interpolate(coarse, (height, width), mode="bicubic")
    grain = 0.05 * torch.randn((1, channels, height, width), generator=generator)
    return (shapes + grain).clamp(0, 1).to(device, dtype, memory_format=torch.channels_last)


@torch.inference_mode()
def measure(task: BareTask, network: str, size: tuple[int, int], mode: str) -> BareRow:
    """Compile and time one mode."""
    width, height = size
    about = f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}"
    row = BareRow(network=network, size=f"{width}x{height}", mode=mode, about=about)
    try:
        model = find_model(network, np.float16 if task.device == "cuda" else np.float32)
        module = load_network(model, task.device)
        dtype = next(module.parameters()).dtype
        image = textured(height, width, model.channels, dtype, task.device)
        started = time.perf_counter()
        run = module if mode == "eager" else torch.compile(module, mode=mode, fullgraph=True, dynamic=False)
        lane = TorchLane(run, image)
        lane.run()
        lane.sync()
        row.compile_seconds = time.perf_counter() - started
        row.rate = frames_per_second([lane], task.seconds)
    except Exception as error:  # torch.compile's errors have no common parent
        row.reason = f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
    torch.compiler.reset()
    return row


def main(task: BareTask) -> None:
    for network in task.networks:
        for size in task.sizes:
            for mode in task.modes:
                print(measure(task, network, size, mode).model_dump_json(), flush=True)


if __name__ == "__main__":
    main(BareTask.model_validate_json(sys.argv[1]))
