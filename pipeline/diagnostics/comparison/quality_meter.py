"""Figures of a video against its original, frame by frame: PSNR and SSIM on luma, and flicker."""

from __future__ import annotations

import math
from typing import Any

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from pipeline.colour.psnr import luma, psnr_of_error
from pipeline.diagnostics.comparison.report import FrameQuality

BORDER = 4  # rows and columns at each edge that PSNR leaves out, as published figures do; fewer of tiny frames
_SSIM_BLOCK = 8  # pixels: FFmpeg's ssim has no figure for frames that are smaller

Luma = NDArray[np.float64]


class QualityMeter:
    """Measures the frames of a video against those of its original.

    - PSNR is that of `psnr_of_error` on `luma` (BT.601, 8 bit), without a border of BORDER pixels.
    - SSIM is FFmpeg's filter `ssim` on the same luma, rounded: the mean of windows of 8x8 pixels, 1 if both are equal
      (Z. Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Transactions on
      Image Processing, 2004).
    - Flicker is the mean of |(x[t] - x[t-1]) - (r[t] - r[t-1])| over the luma of a frame, of 255: by how much its
      change from the frame before differs from the original's change. An error that stays the same is no flicker.

    Attributes:
        frames: The figures of each frame, in order.
    """

    def __init__(self) -> None:
        self.frames: list[FrameQuality] = []
        self._squares = 0.0
        self._before: tuple[int, Luma] | None = None  # index and error of the last frame

    def add(self, index: int, time: float, image: NDArray[np.uint8], original: NDArray[np.uint8]) -> None:
        """Measure a frame.

        Args:
            index: The frame's number; flicker is measured between consecutive numbers.
            time: In seconds, for `frames`.
            image: (H, W, 3), RGB.
            original: Of the same shape.
        """
        actual, expected = luma(image), luma(original)
        error = actual - expected
        border = min(BORDER, min(error.shape) // 4)
        square = float(np.mean(error[border : error.shape[0] - border, border : error.shape[1] - border] ** 2))
        self._squares += square
        follows = self._before is not None and self._before[0] == index - 1
        flicker = float(np.mean(np.abs(error - self._before[1]))) if follows and self._before else None
        self._before = index, error
        structure = ssim(*(np.asarray(plane.round().clip(0, 255), np.uint8) for plane in (actual, expected)))
        self.frames.append(
            FrameQuality(index=index, time=time, psnr=psnr_of_error(square), ssim=structure, flicker=flicker)
        )

    @property
    def psnr(self) -> float | None:
        """PSNR of the mean squared error over all frames, in dB; infinity if all are equal, None without a frame."""
        return psnr_of_error(self._squares / len(self.frames)) if self.frames else None

    @property
    def ssim(self) -> float | None:
        """The mean SSIM, None if there is none."""
        return _mean([frame.ssim for frame in self.frames])

    @property
    def flicker(self) -> float | None:
        """The mean flicker, None if there are no two consecutive frames."""
        return _mean([frame.flicker for frame in self.frames])


def ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float | None:
    """The structural similarity of two planes, by FFmpeg's filter.

    Args:
        a: (H, W).
        b: Of the same shape.

    Returns:
        Up to 1 for equal planes; None if they are smaller than 8x8.
    """
    if min(a.shape) < _SSIM_BLOCK:
        return None
    graph = Graph()
    arguments = f"video_size={a.shape[1]}x{a.shape[0]}:pix_fmt=gray:time_base=1/1:pixel_aspect=1/1"
    inputs = [graph.add("buffer", arguments) for _ in range(2)]
    compare, sink = graph.add("ssim"), graph.add("buffersink")
    for number, each in enumerate(inputs):
        each.link_to(compare, 0, number)
    compare.link_to(sink)
    graph.configure()
    for each, plane in zip(inputs, (a, b), strict=True):
        frame = av.VideoFrame.from_ndarray(plane, "gray")
        frame.pts = 0
        each.push(frame)
        each.push(None)
    measured: Any = sink.pull()
    found = float(measured.metadata["lavfi.ssim.Y"])
    return None if math.isnan(found) else found


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
