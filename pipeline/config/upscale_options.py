"""The keyword arguments of `upscale`, for type checkers: the fields of `Settings`, with the types that they accept."""

from __future__ import annotations

from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Literal

from pipeline.config.upscaler_options import UpscalerOptions

Seconds = float | Fraction | str | None  # a str such as "1:02:03.25"


class UpscaleOptions(UpscalerOptions, total=False):
    """Settings of one job, each optional. Their meaning, range and default are those of the fields of `Settings`."""

    model: str
    decoder: Literal["auto", "software", "nvdec"]
    deinterlace: Literal["auto", "off", "frame", "field"]
    dedup: bool
    codec: str
    pix_fmt: str | None
    crf: float | None
    preset: str | None
    options: dict[str, str]
    allow_encoder_files: bool
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
    resume: bool
    to: Path | str | PathLike[str] | None
    quiet: bool
    as_json: bool
