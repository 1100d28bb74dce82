"""Settings of live streams: from a config file and from arguments, which win."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from pipeline.config import file as config_file
from pipeline.config.address import Address
from pipeline.config.placeholders import expand
from pipeline.config.renames import with_current_names
from pipeline.config.settings import Upscaling, exact_time
from pipeline.config.target_fields import merged
from pipeline.errors import SettingsError

_PAGE = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:.%]+\]|[^\s:/@\[\]]*):)?(?P<port>\d{1,5})")
_NAME = re.compile(r"[\w.-]([\w. -]{0,62}[\w.-])?")
_MERGED = ("options", "input_options")


def _text(value: Any) -> Any:
    """YAML reads 8080 as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str | Address | Path) else value


def _expand(value: Any) -> Any:
    """Replace ${NAME} and ${file:/a/path} in a string, or in the values of a mapping."""
    try:
        if isinstance(value, Mapping):
            return {str(key): expand(str(each)) for key, each in value.items()}
        return expand(value) if isinstance(value, str) else value
    except SettingsError as error:
        raise ValueError(str(error)) from None


def _stream_name(name: str, info: ValidationInfo) -> str:
    """`name`, or one derived from the source: camera from rtsp://camera/stream, webcam-0 from webcam:0."""
    source = info.data.get("source")
    if not name and source is not None:
        host = re.split(r"[/?]", str(source).partition("://")[2])[0] or Path(str(source)).stem
        name = re.sub(r"[^\w.]+", "-", host).strip("-.")[:64] or "stream"
    if name and not _NAME.fullmatch(name):
        raise ValueError("should be 1 to 64 letters, digits, spaces, dots, - and _")
    return name


def _host_and_port(page: str | None) -> str | None:
    """HOST:PORT; a missing host is 127.0.0.1, which only this machine can reach."""
    if page is None:
        return None
    match = _PAGE.fullmatch(page)
    if not match or int(match["port"]) > 65_535:
        raise ValueError("should be HOST:PORT, such as 127.0.0.1:8080")
    return f"{match['host'] or '127.0.0.1'}:{match['port']}"


def _seconds(value: Any) -> Any:
    time = exact_time(value)
    if time is not None and time <= 0:
        raise ValueError("should be greater than 0")
    return None if time is None else float(time)


def _certificates(path: Path) -> Path:
    import ssl  # rarely needed, and slow to import

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:  # ssl.SSLError is one, too
        raise ValueError(
            "can't be read as certificates; should be a PEM file, such as /etc/ssl/certs/ca-certificates.crt"
        ) from error
    return path


class StreamSettings(Upscaling):
    """Settings of one live stream: its source, how it is upscaled, its outputs. Durations are in seconds."""

    secret: ClassVar[frozenset[str]] = frozenset({"source", "to", "input_options"})  # no message quotes their values

    source: Address = Field(
        description="the source: rtsp://, rtsps://, rtmp://, http://, udp:// and more, webcam:0, webcam:NAME, or, with "
        "a format, any input of FFmpeg; ${NAME} stands for an environment variable, ${file:/a/path} for a file's line"
    )
    name: Annotated[str, AfterValidator(_stream_name)] = Field(
        "", validate_default=True, description="the stream's name; default: the source's host"
    )
    to: Annotated[tuple[Address, ...], BeforeValidator(_as_tuple)] = Field(
        (),
        description="an output: rtsp://, rtmp://, udp:// (MPEG-TS), a folder/ or a name ending in .m3u8 (HLS), or a "
        ".mkv, .mp4, .mov or .ts (recorded in segments); several are allowed",
    )
    format: str | None = Field(None, description="FFmpeg's name of the source's format or device, such as x11grab")
    transport: Literal["tcp", "udp"] = Field("tcp", description="the transport of RTSP's packets")
    ca_file: Annotated[Path, AfterValidator(_certificates)] | None = Field(
        None,
        description="CA certificates (PEM) that verify the server of rtsps://, rtmps:// and https://; default: "
        "encrypted but not verified",
    )
    input_options: Annotated[dict[str, str], BeforeValidator(_expand)] = Field(
        default_factory=dict, repr=False, exclude=True, description="further options of FFmpeg's demuxer"
    )
    audio: bool = Field(True, description="copy the audio")
    fill: bool = Field(False, description="repeat the last frame while the source sends none, rather than leave a gap")
    gop: float = Field(2.0, gt=0, le=60, description="seconds between two key frames")
    timeout: float | None = Field(
        None,
        gt=0,
        le=86_400,
        description="seconds without a frame after which the source is reconnected; default: 10, for HTTP 30",
    )
    poll: float = Field(0.5, gt=0, le=60, description="seconds between two attempts to connect, at first")
    poll_for: float = Field(300.0, ge=0, description="seconds after which attempts to connect become rarer")
    longest_wait: float = Field(30.0, gt=0, le=86_400, description="maximum seconds between two attempts to connect")
    tries: int = Field(5, ge=1, description="attempts with a password or a path that is refused, before giving up")
    segment: Annotated[str, BeforeValidator(_text)] = Field(
        "10min", description="length of recorded files, as a time or a size: 10min, 90s, 500MB"
    )
    keep: int | None = Field(None, ge=1, description="number of finished files to keep; default: all")
    hls_segment: float = Field(2.0, ge=1, le=60, description="length of HLS segments in seconds")
    hls_list: int = Field(6, ge=2, description="segments in the HLS playlist; older ones are removed")

    # A frame that waits is late: no more are in flight than copies and network need at once.
    slots: int = Field(3, ge=2, le=64, description="frames in flight on the GPU")


class LiveSettings(BaseModel):
    """Settings of all live streams of a process. `LiveSettings.load` validates them with messages for people."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True, hide_input_in_errors=True
    )
    secret: ClassVar[frozenset[str]] = frozenset({"token"})

    streams: tuple[StreamSettings, ...] = Field(min_length=1, description="the streams, each with its own settings")
    page: Annotated[str | None, BeforeValidator(_text), AfterValidator(_host_and_port)] = Field(
        None, description="HOST:PORT of a web page that shows the streams, such as 127.0.0.1:8080"
    )
    token: Annotated[str | None, BeforeValidator(_expand)] = Field(
        None,
        min_length=8,
        repr=False,
        exclude=True,
        description="the web page's password; default: generated if needed",
    )
    show: bool = Field(False, description="show the output in a window")
    for_: Annotated[float | None, BeforeValidator(_seconds)] = Field(
        None, alias="for", description="end after this time, such as 90 or 1:30:00; default: never"
    )
    quiet: bool = Field(False, description="print nothing but errors")
    as_json: bool = Field(False, alias="json", description="print statistics as JSON every second")

    @classmethod
    def load(cls, file: str | Path | None, **arguments: Any) -> Self:
        """Validate settings from a config file and from arguments, which win.

        Args:
            file: A YAML or TOML file of settings, or None. It contains a list of `streams`, or the `source` of one;
                other settings of streams in it are defaults for each.
            arguments: Settings by name, of the process and of its streams. None means "not given".

        Raises:
            SettingsError: One line: the file or argument, the value seen, and what is allowed.
        """
        file = None if file is None else Path(file)
        given = {name: value for name, value in with_current_names(arguments).items() if value is not None}
        values = config_file.read(file) if file else {}
        defaults = {name: values.pop(name) for name in [*values] if name in StreamSettings.model_fields}
        own = {name: given.pop(name) for name in [*given] if name in StreamSettings.model_fields}
        entries = _entries(values.pop("streams", None), defaults, own, file)
        streams = _unique_names([_stream(index, entry, defaults, own, file) for index, entry in enumerate(entries)])
        names = config_file.field_names(cls)
        values = {names.get(key, key): value for key, value in values.items()}
        given = {names.get(key, key): value for key, value in given.items()}
        try:
            settings = cls.model_validate({**values, **given, "streams": streams})
        except ValidationError as error:
            message = config_file.validation_message(error, file, given, cls, StreamSettings)
            raise SettingsError(message) from None
        _check(settings)
        return settings


def _entries(listed: Any, defaults: dict[str, Any], own: dict[str, Any], file: Path | None) -> list[dict[str, Any]]:
    """The settings of each stream alone. Raises SettingsError if it is unclear which streams there are."""
    if listed is None:
        if "source" not in defaults and "source" not in own:
            raise SettingsError(
                f"{f'{file}: ' if file else ''}no source; give one, such as rtsp://camera/stream or webcam:0, or a "
                "config file with `source:` or `streams:`"
            )
        return [{}]
    if not isinstance(listed, list) or not listed or not all(isinstance(entry, dict) for entry in listed):
        raise SettingsError(f"{file}: streams: should be a list, each beginning with `- source: ADDRESS`")
    if "source" in own:
        raise SettingsError(f"{file}: lists streams, and another source is given as well; remove one of them")
    if len(listed) > 1 and (single := [f"`{name}`" for name in ("to", "name") if name in own]):
        raise SettingsError(f"{single[0]}: {file} lists {len(listed)} streams; set it there, for each of them")
    return [config_file.normalised(entry, file) for entry in listed]


def _stream(
    index: int, entry: dict[str, Any], defaults: dict[str, Any], own: dict[str, Any], file: Path | None
) -> StreamSettings:
    """The settings of one stream: arguments win over its entry, and that over the file's defaults."""
    values = merged(defaults, entry, own)
    for name in _MERGED:
        dicts = [layer[name] for layer in (defaults, entry, own) if isinstance(layer.get(name), dict)]
        if dicts:
            values[name] = {key: value for each in dicts for key, value in each.items()}
    try:
        return StreamSettings.model_validate(values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        within = f"streams[{index}]: " if entry and (name in entry or name not in defaults) else ""
        raise SettingsError(config_file.validation_message(error, file, own, StreamSettings, within=within)) from None


def _unique_names(streams: list[StreamSettings]) -> list[StreamSettings]:
    """`streams`, a number added to derived names that are taken already."""
    count: Counter[str] = Counter()
    unique = []
    for stream in streams:
        count[stream.name] += 1
        if count[stream.name] > 1 and "name" not in stream.model_fields_set:
            stream = stream.model_copy(update={"name": f"{stream.name}-{count[stream.name]}"})
        unique.append(stream)
    return unique


def _check(settings: LiveSettings) -> None:
    """Raise SettingsError for streams that are valid alone, but not together."""
    names = Counter(stream.name for stream in settings.streams)
    if (name := names.most_common(1)[0])[1] > 1:
        raise SettingsError(f"name = {name[0]!r}: {name[1]} streams have this name; give each its own")
    for stream in settings.streams:
        if stream.source in stream.to:
            raise SettingsError(f"to: {stream.source}: is the source of {stream.name} itself; give another output")
        if not (stream.to or settings.page or settings.show):
            raise SettingsError(
                f"{stream.name}: has no output; give `to=ADDRESS`, `page=127.0.0.1:8080` or `show=True`"
            )
