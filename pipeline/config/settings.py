"""What a user can choose, from a config file (YAML or TOML) and the command line; the command line wins."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self

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
)

from pipeline.config import file as config_file
from pipeline.errors import SettingsError

_MOST_ENCODERS = 64
_LEAST_VRAM = 256 * 2**20
_SIZE = TypeAdapter(ByteSize)
_TIME = re.compile(r"(?:(?:(\d+):)?([0-5]?\d):)?(\d+(?:\.\d+)?)")


def _numbers(value: Any) -> Any:
    """`0,1` or a single number, as people write it, as numbers."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    if not parts or not all(str(part).strip().isdigit() for part in parts):
        raise ValueError("should be the number of a GPU, or several, such as 0,1")
    return tuple(int(part) for part in parts)


def _off(value: Any) -> Any:
    """YAML 1.1 takes a bare `off` for False."""
    return "off" if value is False else value


def _count(value: Any) -> Any:
    if value != "auto" and not (str(value).isdigit() and 1 <= int(value) <= _MOST_ENCODERS):
        raise ValueError(f"should be a number from 1 to {_MOST_ENCODERS}, or auto")
    return value if value == "auto" else int(value)


def _bytes(value: Any) -> Any:
    size: int | None
    try:
        size = None if value is None else _SIZE.validate_python(value)
    except ValidationError:
        size = 0
    if size is not None and size < _LEAST_VRAM:
        raise ValueError("should be a size of 256MiB or more, such as 4GiB")
    return size


def exact_time(value: Any) -> Any:
    """Seconds, exactly, from what people write: 90, 1.5, 2:30 or 1:02:03.25."""
    if value is None or (isinstance(value, Fraction) and value >= 0):
        return value
    match = _TIME.fullmatch(str(value))
    if not match:
        raise ValueError("should be a time such as 90, 12.5 or 1:02:03.25")
    hours, minutes, seconds = match.groups(default="0")
    return 3600 * int(hours) + 60 * int(minutes) + Fraction(seconds)


def _after_start(end: Fraction | None, info: ValidationInfo) -> Fraction | None:
    start = info.data.get("start") or 0
    if end is not None and end <= start:
        raise ValueError(f"should be later than the start, {float(start):g} s")
    return end


Time = Annotated[Fraction | None, BeforeValidator(exact_time)]


class Upscaling(BaseModel):
    """How to upscale, be it files or streams. Each field is an option of the command line and a key of configs."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True, hide_input_in_errors=True
    )

    model: str = Field("clear-x2", description="a name from `uprez models`, or an .onnx file")
    backend: Literal["auto", "tensorrt", "onnx"] = Field(
        "auto", description="what runs the model; auto: a GPU if it can"
    )
    engine: Literal["auto", "rtx", "tensorrt"] = Field("auto", description="which TensorRT, where both are installed")
    precision: Literal["auto", "fp16", "bf16", "fp32", "tf32"] = Field(
        "auto", description="what the network computes in on a GPU; auto: fp16, and a file as it is"
    )
    device: Annotated[tuple[int, ...], BeforeValidator(_numbers)] = Field(
        (0,), description="the GPU's number, or several, such as 0,1, that share the frames"
    )
    vram: Annotated[int | None, BeforeValidator(_bytes)] = Field(
        None,
        description="GPU memory for frames and network, such as 4GiB (CUDA takes some more); big frames go in tiles",
    )
    decoder: Literal["auto", "software", "nvdec"] = Field(
        "auto", description="what decodes; nvdec: the GPU, auto: software, or nvdec where cores are few"
    )
    deinterlace: Annotated[Literal["auto", "off", "frame", "field"], BeforeValidator(_off)] = Field(
        "auto",
        description="what to do about interlaced video; auto: look for combs, and make a picture of each combed frame, "
        "frame: of each frame, field: of each field, which doubles the frames, off: nothing",
    )
    slots: int = Field(10, ge=2, le=64, description="frames under way on the GPU at once")
    contexts: int = Field(2, ge=1, le=4, description="TensorRT contexts that take turns")
    threads: int = Field(0, ge=0, description="threads of the CPU backend; 0: one for each core")
    codec: str = Field(
        "libx264",
        description="the video encoder, as FFmpeg names it; auto: what keeps depth, chroma and transparency, and most "
        "players show, by the result's suffix (H.264 for 8-bit 4:2:0, else H.265; the GPU's, where it has one)",
    )
    pix_fmt: str | None = Field(
        None,
        description="FFmpeg's name of the result's pixel format, such as yuv420p10le; left out: the source's, or the "
        "nearest that the encoder takes",
    )
    crf: float | None = Field(None, ge=0, le=63, description="constant quality; lower is better and larger")
    preset: str | None = Field(None, description="the encoder's preset")
    options: dict[str, str] = Field(default_factory=dict, description="further options of the encoder")

    @classmethod
    def load(cls, file: Path | None, **chosen: Any) -> Self:
        """The settings of `file`, if given, under those `chosen`; None among the latter means "not chosen".

        Raises SettingsError with the file or option, the value seen and what is allowed.
        """
        names = config_file.names(cls)
        values = {names.get(key, key): value for key, value in (config_file.read(file) if file else {}).items()}
        if chosen.get("options") and isinstance(values.get("options"), dict):
            chosen["options"] = {**values["options"], **chosen["options"]}
        values |= {key: value for key, value in chosen.items() if value is not None}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            given = [name for name, value in chosen.items() if value is not None]
            raise SettingsError(config_file.problem(error, file, given, cls)) from error


class Settings(Upscaling):
    """How to upscale files."""

    queue: int = Field(16, ge=1, le=256, description="frames that may wait between two stages")
    encoders: Annotated[int | Literal["auto"], BeforeValidator(_count)] = Field(
        "auto",
        description="encoders at once, 1 to 64, each on a closed GOP of its own; auto: by cores and memory",
    )
    streams: Literal["all", "video"] = Field("all", description="video: leave audio, subtitles and the rest behind")
    video_stream: int | None = Field(
        None, ge=0, description="which video to upscale, by its number in `uprez probe`; the others are copied"
    )
    start: Time = Field(None, description="leave out what is shown before, such as 1:02:03.25 from the first picture")
    end: Annotated[Time, AfterValidator(_after_start)] = Field(None, description="leave out what is shown from then on")
    frames: int | None = Field(None, ge=1, description="end after so many frames of the source")
    strict: bool = Field(
        False, description="refuse a source that is damaged or cut off, rather than save what there is"
    )
    overwrite: bool = Field(False, description="replace a result that exists")
    to: Path | None = Field(None, description="the folder for the results")
    quiet: bool = Field(False, description="say nothing but errors")
    as_json: bool = Field(False, alias="json", description="print a summary for programs")
