"""The keyword arguments of `upscale`, for type checkers: the fields of `Settings`, with the types that they accept."""

from __future__ import annotations

from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Literal, TypedDict

from pipeline.config.settings import Engine

Seconds = float | Fraction | str | None  # a str such as "1:02:03.25"


class UpscaleOptions(TypedDict, total=False):
    """Settings of one job, each optional. Their meaning, range and default are those of the fields of `Settings`."""

    model: str
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
    decoder: Literal["auto", "software", "nvdec"]
    deinterlace: Literal["auto", "off", "frame", "field"]
    dedup: bool
    slots: int
    contexts: int
    threads: int
    codec: str
    pix_fmt: str | None
    crf: float | None
    preset: str | None
    options: dict[str, str]
    queue: int
    decoders: int | Literal["auto"]
    encoders: int | Literal["auto"]
    streams: Literal["all", "video"]
    video_stream: int | None
    start: Seconds
    end: Seconds
    frames: int | None
    strict: bool
    overwrite: bool
    to: Path | str | PathLike[str] | None
    quiet: bool
    as_json: bool
