"""The options of the commands: each is a field of the settings, None where it was not given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import BaseModel

from pipeline.config.live_settings import LiveSettings, StreamSettings
from pipeline.config.renames import with_current_names
from pipeline.config.settings import Settings
from pipeline.errors import SettingsError


def _help(field: str, of: type[BaseModel] = Settings) -> str:
    info = of.model_fields[field]
    text = str(info.description)
    choices = f"One of {', '.join(get_args(info.annotation))}. " if get_origin(info.annotation) is Literal else ""
    usual = ",".join(map(str, info.default)) if isinstance(info.default, tuple) else info.default
    default = f" (default: {usual:g})" if isinstance(usual, float) else f" (default: {usual})"
    default = "" if usual in (None, {}, (), "") or isinstance(usual, bool) or info.is_required() else default
    return f"{choices}{text[0].upper()}{text[1:]}{default}."


def _option(field: str, *names: str, of: type[BaseModel] = Settings) -> typer.models.OptionInfo:
    names = names or (f"--{field.replace('_', '-')}",)
    option: typer.models.OptionInfo = typer.Option(*names, help=_help(field, of), show_default=False)
    return option


def _of_stream(field: str, *names: str) -> typer.models.OptionInfo:
    return _option(field, *names, of=StreamSettings)


def _of_live(field: str, *names: str) -> typer.models.OptionInfo:
    return _option(field, *names, of=LiveSettings)


Config = Annotated[Path | None, typer.Option("--config", help="A YAML or TOML file of settings; options win over it.")]
Model = Annotated[str | None, _option("model", "--model", "-m")]
Backend = Annotated[str | None, _option("backend")]
Engine = Annotated[str | None, _option("engine")]
Device = Annotated[str | None, _option("device")]
Precision = Annotated[str | None, _option("precision")]
Vram = Annotated[str | None, _option("vram")]
Decoder = Annotated[str | None, _option("decoder")]
Deinterlace = Annotated[str | None, _option("deinterlace")]
Slots = Annotated[int | None, _option("slots")]
Contexts = Annotated[int | None, _option("contexts")]
Threads = Annotated[int | None, _option("threads")]
Queue = Annotated[int | None, _option("queue")]
Codec = Annotated[str | None, _option("codec")]
PixFmt = Annotated[str | None, _option("pix_fmt", "--pix-fmt")]
Crf = Annotated[float | None, _option("crf")]
Preset = Annotated[str | None, _option("preset")]
Extra = Annotated[list[str] | None, typer.Option("-x", help="NAME=VALUE: a further option of the encoder; repeatable.")]
Encoders = Annotated[str | None, _option("encoders")]
Streams = Annotated[str | None, _option("streams")]
VideoStream = Annotated[int | None, _option("video_stream", "--video-stream")]
Start = Annotated[str | None, _option("start")]
End = Annotated[str | None, _option("end")]
Frames = Annotated[int | None, _option("frames")]
Strict = Annotated[bool | None, typer.Option("--strict", help=_help("strict"), show_default=False)]
To = Annotated[Path | None, _option("to")]
Quiet = Annotated[bool | None, typer.Option("--quiet", "-q", help=_help("quiet"), show_default=False)]
Json = Annotated[bool | None, typer.Option("--json", help=_help("as_json"), show_default=False)]
Overwrite = Annotated[bool | None, typer.Option("--overwrite", help=_help("overwrite"), show_default=False)]

LiveSource = Annotated[list[str] | None, typer.Argument(help=_help("source", StreamSettings), show_default=False)]
LiveName = Annotated[str | None, _of_stream("name")]
LiveTo = Annotated[list[str] | None, _of_stream("to")]
LiveSlots = Annotated[int | None, _of_stream("slots")]
Format = Annotated[str | None, _of_stream("format", "--format", "-f")]
Transport = Annotated[str | None, _of_stream("transport")]
CaFile = Annotated[Path | None, _of_stream("ca_file")]
Input = Annotated[
    list[str] | None, typer.Option("-i", help="NAME=VALUE: a further option of FFmpeg's reader; repeatable.")
]
Audio = Annotated[bool | None, _of_stream("audio", "--audio/--no-audio")]
GapFiller = Annotated[bool | None, _of_stream("fill", "--fill/--no-fill")]
Gop = Annotated[float | None, _of_stream("gop")]
Timeout = Annotated[float | None, _of_stream("timeout")]
Poll = Annotated[float | None, _of_stream("poll")]
PollFor = Annotated[float | None, _of_stream("poll_for")]
LongestWait = Annotated[float | None, _of_stream("longest_wait")]
Tries = Annotated[int | None, _of_stream("tries")]
Segment = Annotated[str | None, _of_stream("segment")]
Keep = Annotated[int | None, _of_stream("keep")]
HlsSegment = Annotated[float | None, _of_stream("hls_segment")]
HlsList = Annotated[int | None, _of_stream("hls_list")]
Page = Annotated[str | None, _of_live("page")]
Token = Annotated[str | None, _of_live("token")]
Show = Annotated[bool | None, _of_live("show", "--show/--no-show")]
For = Annotated[str | None, _of_live("for_", "--for")]
LiveQuiet = Annotated[bool | None, _of_live("quiet", "--quiet", "-q")]
LiveJson = Annotated[bool | None, _of_live("as_json", "--json")]


def settings(config: Path | None, arguments: Mapping[str, Any]) -> Settings:
    """The settings of a command, from its config file and those of its `arguments` that are named like settings."""
    chosen = {name: arguments.get(name) for name in Settings.model_fields}
    return Settings.load(config, **chosen | {"options": encoder_options(arguments.get("extra"))})


def live_settings(config: Path | None, arguments: Mapping[str, Any]) -> LiveSettings:
    """The same for live streams."""
    sources = arguments.get("source") or [None]
    if len(sources) > 1:  # typer would quote them, with their secrets
        raise SettingsError(
            f"{len(sources)} sources are given; one is allowed: outputs go behind --to, several cameras into a file of "
            "settings with `streams:`, for --config"
        )
    names = {*LiveSettings.model_fields, *StreamSettings.model_fields}
    given = with_current_names({name: value for name, value in arguments.items() if value is not None}, "command line")
    given["source"] = sources[0]
    chosen = {name: value for name in names if (value := given.get(name)) not in (None, [])}
    pairs = {"options": encoder_options(arguments.get("extra")), "input_options": input_options(arguments.get("input"))}
    return LiveSettings.load(config, **chosen | pairs)


def encoder_options(extra: list[str] | None) -> dict[str, str] | None:
    """`-x tune=grain -x bf=3` → {"tune": "grain", "bf": "3"}; None where there are none."""
    return _pairs(extra, lambda item: f"-x {item}: not NAME=VALUE, such as -x tune=grain")


def input_options(given: list[str] | None) -> dict[str, str] | None:
    """The same of `-i`, whose values no error tells: they may be secrets."""
    return _pairs(given, lambda item: "-i: one of them is not NAME=VALUE, such as -i framerate=60")


def _pairs(items: list[str] | None, problem: Callable[[str], str]) -> dict[str, str] | None:
    pairs = [item.partition("=") for item in items or ()]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise SettingsError(problem(name + equals + value))
    return {name: value for name, _, value in pairs} or None


def size(option: str, text: str, least: int, most: int) -> tuple[int, int]:
    """`1920x1080` → (1920, 1080), each side from `least` to `most`. Raises SettingsError, naming `option`."""
    match = re.fullmatch(r"\s*(\d+)x(\d+)\s*", text)
    if not match or not all(least <= int(length) <= most for length in match.groups()):
        raise SettingsError(f"{option} {text}: WIDTHxHEIGHT, each {least} to {most}, such as 1920x1080")
    return int(match[1]), int(match[2])
