"""Alpha (opacity), which bypasses the network: it is resampled bicubically."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.colour.quantize import quantize
from pipeline.colour.resample import bicubic
from pipeline.frame import FrameFormat, PixelFormat, Plane


def enlarge(alpha: Plane, source: PixelFormat, output: FrameFormat, out: Plane, dtype: Any = np.float32) -> None:
    """Resample an alpha plane bicubically to the size and depth of another format.

    Args:
        alpha: Alpha plane of a frame, (H, W).
        source: Pixel format of that frame.
        output: Format of the output frame. Dithered if its depth is less than the source's.
        out: Alpha plane of the output frame, written to.
        dtype: Floating-point type to compute in. The kernel in alpha.cu is tested against float64.
    """
    samples = bicubic(alpha.astype(dtype), output.height, output.width)
    samples = samples * dtype(opaque_value(output.pixel) / opaque_value(source))
    quantize(samples, out, output.pixel, opaque_value(output.pixel), dither=output.pixel.depth < source.depth)


def opaque_value(pixel: PixelFormat) -> int:
    """The code value of full opacity: alpha is always full range, whatever the range of the colour planes."""
    return (1 << pixel.depth) - 1
