"""Facts about a network, known before it runs, so that no other code depends on the name of a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HeightWidth = tuple[int, int]
"""Size of a tensor's images, in the order of its dimensions; `Size` of `config.target_fields` is (width, height)."""

LARGEST_MODEL = 2**31 - 1  # bytes, of a model in one ONNX file: protobuf's limit


@dataclass(frozen=True)
class ModelSpec:
    """A network file that upscales images, or a cascade of several.

    The network has one input tensor, (1, C, H, W), and one output tensor, (1, C, scale H, scale W), both of type
    `dtype`. Black is 0, white is `value_range`.

    Attributes:
        name: Name for tables and messages.
        path: The ONNX file.
        sha256: SHA-256 digest of the file, in hexadecimal.
        scale: Factor by which width and height grow: 1 to 8, and of a cascade the product.
        dtype: Element type of both tensors, float32 or float16.
        input: Name of the input tensor.
        output: Name of the output tensor.
        order: Meaning of the channels: "rgb", "bgr", or "y" for luma alone, which is Y' of the video's own matrix.
        value_range: Value of white, 1 or 255.
        size: (H, W) if the network accepts a single size, otherwise None.
        size_multiple: The network accepts only heights and widths that are multiples of it; `stride` is one too.
        parameters: Number of weights.
        licence: Licence of the weights, "unknown" if the file names none.
        description: One line about the network.
        precision: Arithmetic of the network: "fp32", "tf32" (the file of fp32 with another engine), "fp16" or "bf16".
        reference: File that `path` was converted from, which ONNX Runtime runs to check the output; None for `path`.
        receptive_field_radius: Largest distance, in input pixels, at which an input pixel affects an output pixel; None
            if that is the complete image.
        stride: Parts of an image that begin at multiples of this many input pixels are upscaled as within the complete
            image, except for their border.
        max_channels: Largest number of channels of any layer.
        steps: The networks that run one after the other, if this describes a cascade (cascade.py), which has no file of
            its own; otherwise empty.
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
    size: HeightWidth | None = None
    size_multiple: int = 1
    parameters: int = 0
    licence: str = "unknown"
    description: str = ""
    precision: str = "fp32"
    reference: Path | None = None
    receptive_field_radius: int | None = None
    stride: int = 1
    max_channels: int = 3
    steps: tuple[ModelSpec, ...] = ()

    @property
    def channels(self) -> int:
        """Number of channels of both tensors: 3, or 1 for luma."""
        return len(self.order)

    def working_bytes(self, width: int, height: int) -> int:
        """Estimate the memory that the network needs for an image: its widest layer twice, its input and its output."""
        if self.steps:
            return self._largest_step(width, height)
        size = 4 if self.precision in ("fp32", "tf32") else 2
        ends = self.channels * (1 + self.scale**2) * self.dtype.itemsize
        return width * height * (2 * self.max_channels * size + ends)

    def _largest_step(self, width: int, height: int) -> int:
        """The largest of the estimates of the steps, each for its own image."""
        largest, scale = 0, 1
        for step in self.steps:
            largest = max(largest, step.working_bytes(width * scale, height * scale))
            scale *= step.scale
        return largest

    def __str__(self) -> str:
        return f"{self.name} (x{self.scale}, {self.precision}, {self.order.upper()} 0..{self.value_range:g})"
