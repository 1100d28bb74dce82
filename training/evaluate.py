"""PSNR of luma for ONNX models and for bicubic, on a folder of images. Needs no torch.

Each image is cropped to a multiple of the scale, shrunk by antialiased bicubic, rounded to 8 bit and enlarged again.
Luma is that of BT.601 in limited range, and a border of `scale` pixels is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pipeline.colour.psnr import luma, psnr
from pipeline.colour.resample import bicubic
from training.images import list_images, read_rgb

Upscale = Callable[[NDArray[np.float32]], NDArray[np.floating[Any]]]


def main() -> None:
    """Print the PSNR of each model on each image."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("models", type=Path, nargs="*", help="ONNX files")
    parser.add_argument("--images", type=Path, required=True, help="folder")
    parser.add_argument("--scale", type=int, default=2, help="scale of all the models")
    options = parser.parse_args()
    paths = list_images(options.images)
    methods: dict[str, Upscale] = {"bicubic": lambda image: _enlarge(image, options.scale)}
    methods |= {model.name: load_model(model) for model in options.models}
    print(f"{'PSNR-Y, dB':32}" + "".join(f"{name:>20}" for name in methods))
    scores = []
    for path in paths:
        scores.append(list(measure(read_rgb(path), methods, options.scale).values()))
        print(f"{path.name:32}" + "".join(f"{score:20.3f}" for score in scores[-1]), flush=True)
    print(f"{'mean':32}" + "".join(f"{score:20.3f}" for score in np.mean(scores, axis=0)))


def measure(image: NDArray[np.uint8], methods: dict[str, Upscale], scale: int) -> dict[str, float]:
    """PSNR-Y in dB of each method to enlarge a shrunk image.

    Args:
        image: (H, W, 3) uint8 RGB.
        methods: Functions that enlarge (H, W, 3) float32 in 0..1, by name.
        scale: Factor by which they enlarge.
    """
    height, width = (length // scale * scale for length in image.shape[:2])
    truth = image[:height, :width].astype(np.float64) / 255
    reduced = bicubic(truth, height // scale, width // scale)
    small = (reduced.clip(0, 1) * 255).round().astype(np.float32) / np.float32(255)
    expected = luma(truth, peak=1)
    return {
        name: psnr(luma(upscale(small).clip(0, 1), peak=1), expected, border=scale) for name, upscale in methods.items()
    }


def load_model(path: Path) -> Upscale:
    """Load a model in ONNX Runtime on the CPU: a function from (H, W, 3) float32 in 0..1 to the enlarged image."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    dtype = np.float16 if source.type == "tensor(float16)" else np.float32

    def upscale(image: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        (output,) = session.run(None, {source.name: image.transpose(2, 0, 1)[None].astype(dtype)})
        return output[0].transpose(1, 2, 0).astype(np.float64)

    return upscale


def _enlarge(image: NDArray[np.float32], scale: int) -> NDArray[np.floating[Any]]:
    return bicubic(image.astype(np.float64), image.shape[0] * scale, image.shape[1] * scale)


if __name__ == "__main__":
    main()
