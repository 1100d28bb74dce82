"""The keyword arguments of `Upscaler`: those fields of `Upscaling` that concern the network and its device."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, TypedDict

from pipeline.config.settings import Engine


class UpscalerOptions(TypedDict, total=False):
    """Settings of an `Upscaler`, each optional. Meaning, range and default are those of the fields of `Settings`."""

    model_range: str | None
    model_channels: Literal["rgb", "bgr", "y"] | None
    model_layout: Literal["nchw", "nhwc"] | None
    scale: float | Fraction | str | None
    size: tuple[int, int] | str | None
    height: int | None
    fit: tuple[int, int] | str | None
    strength: float
    backend: Literal["auto", "tensorrt", "onnx"]
    engine: Engine
    precision: Literal["auto", "fp16", "bf16", "fp32", "tf32"]
    device: int | str | tuple[int, ...] | list[int]
    vram: int | str | None
    slots: int
    contexts: int
    threads: int
