"""Upscale the sample clip and compare the output with the original: a video, an image of before and after, and PSNR.

python samples/demo.py [FOLDER]      # default: demo/
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scene import originals

import pipeline

CLIP = Path(__file__).with_name("clip.mp4")
SHOWN_FRAME = 20
BORDER = 2  # pixels at each edge that PSNR leaves out, as published figures do


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    folder.mkdir(parents=True, exist_ok=True)
    result = pipeline.upscale(CLIP, folder / "clip.x2.mkv", overwrite=True, crf=12, progress=report)
    print(f"\r{result.frames_out} frames in {result.seconds:.1f} s by {result.backend}")

    scores = []
    frames = zip(originals(), pipeline.read_rgb(CLIP), pipeline.read_rgb(result.path), strict=True)
    for index, (original, small, upscaled) in enumerate(frames):
        bicubic = pipeline.to_8_bit(pipeline.bicubic(small.astype(np.float32), *original.shape[:2]))
        truth = pipeline.luma(original)
        scores.append([pipeline.psnr(pipeline.luma(image), truth, BORDER) for image in (bicubic, upscaled)])
        if index == SHOWN_FRAME:
            views = (("bicubic", bicubic), ("uprez", upscaled), ("original", original))
            comparison = pipeline.side_by_side([(name, crop(image)) for name, image in views])
            pipeline.save_png(folder / "before-after.png", comparison)
    before, after = np.mean(scores, axis=0)
    print(f"PSNR-Y against the original: bicubic {before:.2f} dB, uprez {after:.2f} dB ({after - before:+.2f})")
    print(f"video: {result.path}")
    print(f"image: {folder / 'before-after.png'}")


def crop(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The part of the scene with the mill and the balloon, each pixel repeated twice."""
    return image[10:250, 400:].repeat(2, axis=0).repeat(2, axis=1)


def report(progress: pipeline.Progress) -> None:
    if sys.stdout.isatty():
        print(f"\r{progress.done}/{progress.total} frames, {progress.rate:.1f} frames/s ", end="", flush=True)


if __name__ == "__main__":
    main()
