"""Settings of file jobs, and those they share with live streams: from a config file and from arguments, which win."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from pipeline.config import file as config_file
from pipeline.config.encoder_files import find_file_option
from pipeline.config.renames import with_current_names
from pipeline.config.target_fields import MAX_SIDE, Factor, TargetHeight, TargetSize, merged
from pipeline.errors import SettingsError

_MAX_PARALLEL = 64  # encoders or decoders
_MIN_VRAM = 256 * 2**20
_SIZE = TypeAdapter(ByteSize)
_TIME = re.compile(r"(?:(?:(\d+):)?([0-5]?\d):)?(\d+(?:\.\d+)?)")


GpuEngine = Literal["fused", "fused-fp16acc", "rtx", "tensorrt"]
CpuEngine = Literal["onnxruntime", "openvino", "coreml", "directml", "migraphx"]
Engine = Literal["auto", GpuEngine, CpuEngine]

CPU_ENGINES: tuple[str, ...] = get_args(CpuEngine)
"""The settings of `engine` that choose what runs the network on the CPU backend."""


def _gpu_numbers(value: Any) -> Any:
    """A tuple of numbers from "0,1", a single number, or several."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    if not parts or not all(str(part).strip().isdigit() for part in parts):
        raise ValueError("should be the number of a GPU, or several such as 0,1")
    return tuple(int(part) for part in parts)


def _off(value: Any) -> Any:
    """YAML 1.1 reads a bare `off` as False."""
    return "off" if value is False else value


def _parallel_count(value: Any) -> Any:
    if value != "auto" and not (str(value).isdigit() and 1 <= int(value) <= _MAX_PARALLEL):
        raise ValueError(f"should be a number from 1 to {_MAX_PARALLEL}, or auto")
    return value if value == "auto" else int(value)


def _vram_bytes(value: Any) -> Any:
    size: int | None
    try:
        size = None if value is None else _SIZE.validate_python(value)
    except ValidationError:
        size = 0
    if size is not None and size < _MIN_VRAM:
        raise ValueError("should be a size of 256MiB or more, such as 4GiB")
    return size


def exact_time(value: Any) -> Any:
    """Seconds as a Fraction, from a number or a time such as 2:30 or 1:02:03.25; None stays None."""
    if value is None or (isinstance(value, Fraction) and value >= 0):
        return value
    match = _TIME.fullmatch(str(value))
    if not match:
        raise ValueError("should be a time such as 90, 12.5 or 1:02:03.25")
    hours, minutes, seconds = match.groups(default="0")
    return 3600 * int(hours) + 60 * int(minutes) + Fraction(seconds)


def _later_than_start(end: Fraction | None, info: ValidationInfo) -> Fraction | None:
    start = info.data.get("start") or 0
    if end is not None and end <= start:
        raise ValueError(f"should be later than the start, {float(start):g} s")
    return end


Time = Annotated[Fraction | None, BeforeValidator(exact_time)]


class Upscaling(BaseModel):
    """Settings of upscaling that file jobs and live streams share: see each field's description."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True, hide_input_in_errors=True
    )

    model: str = Field(
        "clear-x2",
        description="the network: a name from `uprez models`, or a model file; several, separated by commas, run one "
        "after the other",
    )
    model_range: str | None = Field(
        None,
        description="value range of a model file: 0..1, 0..255, -1..1, imagenet, or any BLACK..WHITE; default: found "
        "by a trial",
    )
    model_channels: Literal["rgb", "bgr", "y"] | None = Field(
        None, description="channels of a model file, rgb, bgr or y (luma alone); default: by the file, rgb for three"
    )
    model_layout: Literal["nchw", "nhwc"] | None = Field(
        None, description="layout of a model file's tensors, nchw or nhwc (channels last); default: by the file"
    )
    scale: Factor = Field(
        None,
        description="factor of the output's width and height, such as 1.5 or 4; the network is repeated if needed, and "
        "its output resampled; default: the network's factor",
    )
    size: TargetSize = Field(
        None,
        description="exact size of the output, such as 3840x2160, as players show it; if that changes the shape of the "
        "pixels, the sample aspect ratio is set so that nothing is distorted",
    )
    height: TargetHeight = Field(
        None, ge=1, le=MAX_SIDE, description="height of the output, such as 2160, of square pixels; the width follows"
    )
    fit: TargetSize = Field(
        None, description="the output is the largest that fits into this size, such as 3840x2160, of square pixels"
    )
    strength: float = Field(
        1.0,
        ge=0,
        le=1,
        description="share of the network in the output; the rest is the source, resampled: 0.7 is milder",
    )
    backend: Literal["auto", "tensorrt", "onnx"] = Field(
        "auto",
        description="what runs the network: tensorrt (an NVIDIA GPU), onnx (the CPU, or another device through ONNX "
        "Runtime); auto: an NVIDIA GPU if usable",
    )
    engine: Engine = Field(
        "auto",
        description="engine of the network; on an NVIDIA GPU: fused (own kernels), fused-fp16acc (own kernels that may "
        "accumulate in fp16: less accurate), rtx (TensorRT-RTX), tensorrt; on the CPU backend: onnxruntime, openvino, "
        "coreml, directml, migraphx; auto: the fastest that is installed and supports the network",
    )
    precision: Literal["auto", "fp16", "bf16", "fp32", "tf32"] = Field(
        "auto", description="the network's precision on a GPU; auto: fp16, and a model file as it is"
    )
    device: Annotated[tuple[int, ...], BeforeValidator(_gpu_numbers)] = Field(
        (0,), description="the GPU's number, or several such as 0,1 that share the frames"
    )
    vram: Annotated[int | None, BeforeValidator(_vram_bytes)] = Field(
        None,
        description="GPU memory for frames and network, such as 4GiB (CUDA uses some more); frames that don't fit are "
        "upscaled in tiles",
    )
    decoder: Literal["auto", "software", "nvdec"] = Field(
        "auto", description="what decodes: software, nvdec (the GPU); auto: the one that is expected to be faster"
    )
    deinterlace: Annotated[Literal["auto", "off", "frame", "field"], BeforeValidator(_off)] = Field(
        "auto",
        description="deinterlacing; auto: frames in which combing artifacts are found, frame: every frame, field: "
        "every field becomes a frame, which doubles the frame rate, off: none",
    )
    dedup: bool = Field(
        True,
        description="upscale repeated frames once: those whose samples are bit for bit those of the frame before; "
        "frames that NVDEC decoded are not compared",
    )
    slots: int = Field(10, ge=2, le=64, description="frames in flight on the GPU")
    contexts: int = Field(3, ge=1, le=4, description="execution contexts of the network on the GPU, used in turn")
    threads: int = Field(0, ge=0, le=1024, description="threads of the CPU backend; 0: one per core")
    codec: str = Field(
        "libx264",
        description="the video encoder: h264 or x264, h265, hevc or x265, av1, vp9, prores, or any other by FFmpeg's "
        "name; auto: one that keeps depth, chroma and transparency and that most players support, by the output's "
        "suffix (H.264 for 8-bit 4:2:0, else H.265; the GPU's if it has one)",
    )
    pix_fmt: str | None = Field(
        None,
        description="FFmpeg's name of the output's pixel format, such as yuv420p10le; default: the source's, or the "
        "nearest that the encoder accepts",
    )
    crf: float | None = Field(
        None,
        ge=0,
        le=63,
        description="constant quality; lower is better and larger; at most 51 for H.264 and H.265, 63 for AV1 and VP9",
    )
    preset: str | None = Field(None, description="the encoder's preset")
    options: dict[str, str] = Field(default_factory=dict, description="further options of the encoder")
    allow_encoder_files: bool = Field(
        False, description="allow options of the encoder that name files, which it reads or writes"
    )

    @model_validator(mode="after")
    def _check_file_options(self) -> Self:
        if not self.allow_encoder_files and (name := find_file_option(self.options)):
            raise ValueError(f"options: {name} names a file; `allow_encoder_files=True` allows it")
        return self

    @classmethod
    def load(cls, file: str | Path | None, **arguments: Any) -> Self:
        """Validate settings from a config file and from arguments, which win.

        Args:
            file: A YAML or TOML file of settings, or None.
            arguments: Settings by name. None means "not given". `options` are merged with those of the file.

        Raises:
            SettingsError: One line: the file or argument, the value seen, and what is allowed.
        """
        file = None if file is None else Path(file)
        names = config_file.field_names(cls)
        values = {names.get(key, key): value for key, value in (config_file.read(file) if file else {}).items()}
        given = {name: value for name, value in with_current_names(arguments).items() if value is not None}
        given = {names.get(key, key): value for key, value in given.items()}
        if given.get("options") and isinstance(values.get("options"), dict):
            given["options"] = {**values["options"], **given["options"]}
        try:
            return cls.model_validate(merged(values, given))
        except ValidationError as error:
            raise SettingsError(config_file.validation_message(error, file, given, cls)) from error


class Settings(Upscaling):
    """Settings of a file job. `Settings.load` validates them with messages for people."""

    queue: int = Field(16, ge=1, le=256, description="frames that may wait between two stages")
    decoders: Annotated[int | Literal["auto"], BeforeValidator(_parallel_count)] = Field(
        "auto",
        description="parallel decoders, 1 to 64, each on closed or open GOPs of its own; auto: as many as the GPU has "
        "with nvdec; in software four from 16 cores on, one with fewer or without a GPU",
    )
    encoders: Annotated[int | Literal["auto"], BeforeValidator(_parallel_count)] = Field(
        "auto",
        description="parallel encoders, 1 to 64, each on closed GOPs of its own; auto: by cores and memory",
    )
    streams: Literal["all", "video"] = Field("all", description="streams of the output; video: no audio, subtitles, …")
    video_stream: int | None = Field(
        None, ge=0, description="number of the video to upscale, as shown by `uprez probe`; the others are copied"
    )
    start: Time = Field(None, description="begin at this time, counted from the first frame, such as 1:02:03.25")
    end: Annotated[Time, AfterValidator(_later_than_start)] = Field(
        None, description="end at this time, counted from the first frame"
    )
    frames: int | None = Field(None, ge=1, description="end after this many frames of the source")
    strict: bool = Field(
        False, description="treat damage or truncation of the source as an error, rather than keep what can be decoded"
    )
    overwrite: bool = Field(False, description="replace an output that exists")
    resume: bool = Field(
        False,
        description="keep finished segments of the output in the folder OUTPUT.uprez, so that the same command "
        "continues after an interruption",
    )
    to: Path | None = Field(None, description="the folder for the output")
    quiet: bool = Field(False, description="print nothing but errors")
    as_json: bool = Field(False, alias="json", description="print a summary as JSON")
