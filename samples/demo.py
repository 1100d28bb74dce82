"""Upscale the sample clip and show what that brought: a video, a picture of before and after, PSNR against bicubic.

python samples/demo.py [FOLDER]      # default: demo/
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scene import originals

import pipeline
from pipeline.colour.psnr import luma, psnr
from pipeline.colour.resample import bicubic
from pipeline.diagnostics.quality import pictures, save_png, side_by_side, to_8_bit

CLIP = Path(__file__).with_name("clip.mp4")
SHOWN_FRAME = 20
BORDER = 2


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    folder.mkdir(parents=True, exist_ok=True)
    result = pipeline.upscale(CLIP, folder / "clip.x2.mkv", overwrite=True, crf=12, progress=show)
    print(f"\r{result.frames_out} frames in {result.seconds:.1f} s, by {result.backend}")

    scores = []
    for index, (original, small, large) in enumerate(
        zip(originals(), pictures(CLIP), pictures(result.path), strict=True)
    ):
        plain = to_8_bit(bicubic(small.astype(np.float32), *original.shape[:2]))
        scores.append([psnr(luma(picture), luma(original), BORDER) for picture in (plain, large)])
        if index == SHOWN_FRAME:
            views = (("bicubic", plain), ("uprez", large), ("original", original))
            save_png(folder / "before-after.png", side_by_side([(name, crop(view)) for name, view in views]))
    before, after = np.mean(scores, axis=0)
    print(f"PSNR-Y against the original: bicubic {before:.2f} dB, uprez {after:.2f} dB ({after - before:+.2f})")
    print(f"video:   {result.path}")
    print(f"picture: {folder / 'before-after.png'}")


def crop(picture: np.ndarray) -> np.ndarray:
    """The part of the scene with the mill and the balloon, twice as large, pixels as they are."""
    return picture[10:250, 400:].repeat(2, axis=0).repeat(2, axis=1)


def show(progress: pipeline.Progress) -> None:
    if sys.stdout.isatty():
        print(f"\r{progress.done}/{progress.total} frames, {progress.rate:.1f} frames/s ", end="", flush=True)


if __name__ == "__main__":
    main()
