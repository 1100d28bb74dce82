"""Alpha on its way past the network: how opaque a picture is, made larger by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.colour.quantize import store
from pipeline.colour.resample import bicubic
from pipeline.frame import FrameFormat, PixelFormat, Plane


def enlarge(alpha: Plane, source: PixelFormat, result: FrameFormat, out: Plane, dtype: Any = np.float32) -> None:
    """Resample the plane `alpha` of `source`, bicubically, into `out`, that of `result`; dithered where depth is lost.

    dtype: what is computed in; float64 is what the kernel in alpha.cu is tested against.
    """
    samples = bicubic(alpha.astype(dtype), result.height, result.width)
    samples = samples * dtype(highest(result.pixel) / highest(source))
    store(samples, out, result.pixel, highest(result.pixel), dither=result.pixel.depth < source.depth)


def highest(pixel: PixelFormat) -> int:
    """The code value of what can't be seen through: alpha is of full range, whatever colour is."""
    return (1 << pixel.depth) - 1
