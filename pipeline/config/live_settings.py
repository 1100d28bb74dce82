"""What a user can choose of live streams, from a config file and the command line; the command line wins."""

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
from pipeline.config.placeholders import expanded
from pipeline.config.settings import Upscaling, exact_time
from pipeline.errors import SettingsError

_PAGE = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:.%]+\]|[^\s:/@\[\]]*):)?(?P<port>\d{1,5})")
_NAME = re.compile(r"[\w.-]([\w. -]{0,62}[\w.-])?")
_MERGED = ("options", "input_options")


def _text(value: Any) -> Any:
    """YAML takes 8080 for a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str | Address | Path) else value


def _looked_up(value: Any) -> Any:
    """The strings in `value` with what their ${NAME} and ${file:/a/path} stand for."""
    try:
        if isinstance(value, Mapping):
            return {str(key): expanded(str(each)) for key, each in value.items()}
        return expanded(value) if isinstance(value, str) else value
    except SettingsError as error:
        raise ValueError(str(error)) from None


def _named(name: str, info: ValidationInfo) -> str:
    """The name given, or one made of the source's: camera of rtsp://camera/stream, webcam-0 of webcam:0."""
    source = info.data.get("source")
    if not name and source is not None:
        place = re.split(r"[/?]", str(source).partition("://")[2])[0] or Path(str(source)).stem
        name = re.sub(r"[^\w.]+", "-", place).strip("-.")[:64] or "stream"
    if name and not _NAME.fullmatch(name):
        raise ValueError("should be 1 to 64 letters, digits, spaces, dots, - and _")
    return name


def _where(page: str | None) -> str | None:
    """HOST:PORT; of this machine only, where the host is left out."""
    if page is None:
        return None
    match = _PAGE.fullmatch(page)
    if not match or int(match["port"]) > 65_535:
        raise ValueError("should be HOST:PORT, such as 127.0.0.1:8080")
    return f"{match['host'] or '127.0.0.1'}:{match['port']}"


def _seconds(value: Any) -> Any:
    time = exact_time(value)
    if time is not None and time <= 0:
        raise ValueError("should be longer than nothing")
    return None if time is None else float(time)


def _certificates(path: Path) -> Path:
    import ssl  # what few need

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:  # ssl's own are such, too
        advice = "should be a file of certificates in PEM, such as /etc/ssl/certs/ca-certificates.crt"
        raise ValueError(f"{advice}; it can't be read as one") from error
    return path


class StreamSettings(Upscaling):
    """A live stream: where it comes from, how it is upscaled, where it goes. Times are in seconds."""

    secret: ClassVar[frozenset[str]] = frozenset({"source", "to", "input_options"})  # values that no error quotes

    source: Address = Field(
        description="where it comes from: rtsp://, rtsps://, rtmp://, http://, udp:// and more, webcam:0, webcam:NAME, "
        "or with a format what FFmpeg knows by it; ${NAME} and ${file:/a/path} stand for what these hold"
    )
    name: Annotated[str, AfterValidator(_named)] = Field(
        "", validate_default=True, description="what it is called; left out: as its source's host"
    )
    to: Annotated[tuple[Address, ...], BeforeValidator(_several)] = Field(
        (),
        description="where it goes: rtsp://, rtmp://, udp:// (MPEG-TS), a folder/ or a name ending in .m3u8 (HLS), or "
        "a .mkv, .mp4, .mov or .ts (files in segments); several at once",
    )
    format: str | None = Field(None, description="FFmpeg's name of the source's format or device, such as x11grab")
    transport: Literal["tcp", "udp"] = Field("tcp", description="how RTSP's packets come")
    ca_file: Annotated[Path, AfterValidator(_certificates)] | None = Field(
        None,
        description="certificates (PEM) of those who vouch for who answers at rtsps://, rtmps:// and https://; "
        "left out: encrypted, whoever it is",
    )
    input_options: Annotated[dict[str, str], BeforeValidator(_looked_up)] = Field(
        default_factory=dict, repr=False, exclude=True, description="further options of FFmpeg's reader"
    )
    audio: bool = Field(True, description="copy the sound along")
    fill: bool = Field(False, description="repeat the last picture while there is none, rather than leave a gap")
    gop: float = Field(2.0, gt=0, le=60, description="seconds between two key frames")
    silence: float | None = Field(
        None,
        gt=0,
        le=86_400,
        description="seconds without a picture after which the source is taken for dead; left out: 10, and 30 for HTTP",
    )
    poll: float = Field(0.5, gt=0, le=60, description="seconds between two tries to connect, at first")
    poll_for: float = Field(300.0, ge=0, description="seconds after which the tries become rarer")
    longest_wait: float = Field(30.0, gt=0, le=86_400, description="seconds between two tries at the most")
    tries: int = Field(5, ge=1, description="tries with a password or a path that is refused, before giving up")
    segment: Annotated[str, BeforeValidator(_text)] = Field(
        "10min", description="the length of files, as a time or a size: 10min, 90s, 500MB"
    )
    keep: int | None = Field(None, ge=1, description="how many finished files stay; left out: all")
    hls_segment: float = Field(2.0, ge=1, le=60, description="the length of HLS's segments in seconds")
    hls_list: int = Field(6, ge=2, description="segments in HLS's list; older ones are removed")

    # A frame that waits is late: no more are under way than copies and network need at once.
    slots: int = Field(3, ge=2, le=64, description="frames under way on the GPU at once")


class LiveSettings(BaseModel):
    """The streams of a process, and what is done with all of them."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True, hide_input_in_errors=True
    )
    secret: ClassVar[frozenset[str]] = frozenset({"token"})

    streams: tuple[StreamSettings, ...] = Field(min_length=1, description="the streams, each with settings of its own")
    page: Annotated[str | None, BeforeValidator(_text), AfterValidator(_where)] = Field(
        None, description="HOST:PORT of a page that shows the streams, such as 127.0.0.1:8080"
    )
    token: Annotated[str | None, BeforeValidator(_looked_up)] = Field(
        None, min_length=8, repr=False, exclude=True, description="what the page asks for; left out: made, if needed"
    )
    show: bool = Field(False, description="show the result in a window")
    for_: Annotated[float | None, BeforeValidator(_seconds)] = Field(
        None, alias="for", description="end after so long, such as 90 or 1:30:00; left out: never"
    )
    quiet: bool = Field(False, description="say nothing but errors")
    as_json: bool = Field(False, alias="json", description="print the figures each second, for programs")

    @classmethod
    def load(cls, file: Path | None, **chosen: Any) -> Self:
        """The settings of `file`, if given, under those `chosen`; None among the latter means "not chosen".

        A file holds a list of `streams`, or the source of one; what else it says of streams holds for each that doesn't
        say otherwise. Raises SettingsError with the file or option, the value seen and what is allowed.
        """
        said = {name: value for name, value in chosen.items() if value is not None}
        values = config_file.read(file) if file else {}
        common = {name: values.pop(name) for name in [*values] if name in StreamSettings.model_fields}
        own = {name: said.pop(name) for name in [*said] if name in StreamSettings.model_fields}
        entries = _entries(values.pop("streams", None), common, own, file)
        streams = _renamed([_stream(index, entry, common, own, file) for index, entry in enumerate(entries)])
        names = config_file.names(cls)
        try:
            settings = cls.model_validate(
                {**{names.get(key, key): value for key, value in values.items()}, **said, "streams": streams}
            )
        except ValidationError as error:
            raise SettingsError(config_file.problem(error, file, said, cls, StreamSettings)) from None
        _check(settings)
        return settings


def _entries(listed: Any, common: dict[str, Any], own: dict[str, Any], file: Path | None) -> list[dict[str, Any]]:
    """What is said of each stream alone. Raises SettingsError where it isn't clear which streams there are."""
    if listed is None:
        if "source" not in common and "source" not in own:
            raise SettingsError(
                f"{f'{file}: ' if file else ''}no source; give one, such as rtsp://camera/stream or webcam:0, or a "
                "file of settings with `source:` or `streams:`"
            )
        return [{}]
    if not isinstance(listed, list) or not listed or not all(isinstance(entry, dict) for entry in listed):
        raise SettingsError(f"{file}: streams: should be a list, each beginning with `- source: ADDRESS`")
    if "source" in own:
        raise SettingsError(f"{file}: lists streams, and another source is given beside; leave one of them out")
    if len(listed) > 1 and (alone := [f"--{name}" for name in ("to", "name") if name in own]):
        raise SettingsError(f"{alone[0]}: {file} lists {len(listed)} streams; say it there, for each of them")
    return [config_file.with_strings(entry) for entry in listed]


def _stream(
    index: int, entry: dict[str, Any], common: dict[str, Any], own: dict[str, Any], file: Path | None
) -> StreamSettings:
    """The settings of one stream: its entry's over those common to all, the command line's over both."""
    merged = {**common, **entry, **own}
    for name in _MERGED:
        dicts = [layer[name] for layer in (common, entry, own) if isinstance(layer.get(name), dict)]
        if dicts:
            merged[name] = {key: value for each in dicts for key, value in each.items()}
    try:
        return StreamSettings.model_validate(merged)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        within = f"streams[{index}]: " if entry and (name in entry or name not in common) else ""
        raise SettingsError(config_file.problem(error, file, own, StreamSettings, within=within)) from None


def _renamed(streams: list[StreamSettings]) -> list[StreamSettings]:
    """The same, those with a name that was made and taken already numbered."""
    seen: Counter[str] = Counter()
    made = []
    for stream in streams:
        seen[stream.name] += 1
        if seen[stream.name] > 1 and "name" not in stream.model_fields_set:
            stream = stream.model_copy(update={"name": f"{stream.name}-{seen[stream.name]}"})
        made.append(stream)
    return made


def _check(settings: LiveSettings) -> None:
    """Raises SettingsError for streams that each alone would do, but not together."""
    names = Counter(stream.name for stream in settings.streams)
    if (name := names.most_common(1)[0])[1] > 1:
        raise SettingsError(f"name = {name[0]!r}: {name[1]} streams are called so; give each a name of its own")
    for stream in settings.streams:
        if stream.source in stream.to:
            raise SettingsError(f"to: {stream.source}: {stream.name} comes from there; give it another place to go to")
        if not (stream.to or settings.page or settings.show):
            raise SettingsError(
                f"{stream.name}: nothing is to be done with it; give --to ADDRESS, --page 127.0.0.1:8080 or --show"
            )
