"""Upscale PyTorch tensors on an NVIDIA GPU: they are shared by DLPack, and no frame returns to the host.

python samples/torch_frames.py [VIDEO]
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pipeline

CLIP = Path(__file__).with_name("clip.mp4")


def tensors(path: Path) -> Iterator[Any]:
    import torch

    for image in pipeline.read_rgb(path):  # (H, W, 3) uint8
        yield torch.from_numpy(image).cuda().permute(2, 0, 1).contiguous()  # (3, H, W)


def main() -> None:
    if importlib.util.find_spec("torch") is None:
        raise SystemExit("this sample needs PyTorch for CUDA: pip install torch")
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("this sample needs an NVIDIA GPU, and PyTorch for CUDA: `uprez doctor` lists what is missing")
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CLIP
    with pipeline.Upscaler("clear-x2", backend="tensorrt") as upscaler:
        for number, image in enumerate(upscaler.stream(tensors(path))):
            large = torch.from_dlpack(image)  # the memory of `image`, without a copy
            red, green, blue = large.float().mean(dim=(1, 2)).tolist()
            print(f"{number}: {tuple(large.shape)} on {large.device}, mean of RGB {red:.1f} {green:.1f} {blue:.1f}")


if __name__ == "__main__":
    main()
