"""What there is to know of a network before it runs: facts, so that no code asks for a model's name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ModelSpec:
    """One network file that turns a picture into a larger one.

    Input and output are one tensor each: (1, C, H, W) → (1, C, scale H, scale W), of `dtype`, black at 0 and white
    at `value_range`, its C planes in `order`.

    path: the ONNX file. sha256: of that file, in hex. dtype: float32 or float16. order: "rgb", "bgr", or "y": luma
    alone (Y' of the video's own matrix).
    size: (H, W) where the file allows one size only. parameters: how many numbers it has learnt.
    precision: what it computes in, "fp32", "tf32" (the file of fp32, another engine), "fp16" or "bf16".
    reference: the file that `path` was converted from, which ONNX Runtime runs whatever the precision; None: `path`.
    reach: how far, in input pixels, an input pixel's influence goes; None: through the whole picture.
    widest: the most channels that a layer has.
    stride: parts that begin at multiples of so many input pixels are enlarged as in the whole, but for their edges.
    """

    name: str
    path: Path
    sha256: str
    scale: int
    dtype: np.dtype[Any]
    input: str
    output: str
    order: str = "rgb"
    value_range: float = 1.0
    size: tuple[int, int] | None = None
    parameters: int = 0
    licence: str = "unknown"
    description: str = ""
    precision: str = "fp32"
    reference: Path | None = None
    reach: int | None = None
    stride: int = 1
    widest: int = 3

    @property
    def channels(self) -> int:
        """How many planes its tensors have: 3, or 1 of luma."""
        return len(self.order)

    def working_bytes(self, width: int, height: int) -> int:
        """About how much memory the network takes for a picture: what its widest layer and its ends take and give."""
        size = 4 if self.precision in ("fp32", "tf32") else 2
        ends = self.channels * (1 + self.scale**2) * self.dtype.itemsize
        return width * height * (2 * self.widest * size + ends)

    def __str__(self) -> str:
        return f"{self.name} (x{self.scale}, {self.precision}, {self.order.upper()} 0..{self.value_range:g})"
