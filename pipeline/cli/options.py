"""The options that several commands share: each is a field of Settings, None where it was not given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from pipeline.errors import SettingsError
from pipeline.settings import Settings


def _help(field: str) -> str:
    info = Settings.model_fields[field]
    text = str(info.description)
    choices = f"One of {', '.join(get_args(info.annotation))}. " if get_origin(info.annotation) is Literal else ""
    usual = ",".join(map(str, info.default)) if isinstance(info.default, tuple) else info.default
    default = f" (default: {usual})" if usual not in (None, {}, False) else ""
    return f"{choices}{text[0].upper()}{text[1:]}{default}."


def _option(field: str, *names: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(*names or (f"--{field}",), help=_help(field), show_default=False)
    return option


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


def settings(config: Path | None, arguments: Mapping[str, Any]) -> Settings:
    """The settings of a command, from its config file and those of its `arguments` that are named like settings."""
    chosen = {name: arguments.get(name) for name in Settings.model_fields}
    return Settings.load(config, **chosen | {"options": encoder_options(arguments.get("extra"))})


def encoder_options(extra: list[str] | None) -> dict[str, str] | None:
    """`-x tune=grain -x bf=3` → {"tune": "grain", "bf": "3"}; None where there are none."""
    pairs = [item.partition("=") for item in extra or ()]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise SettingsError(f"-x {name}{equals}{value}: not NAME=VALUE, such as -x tune=grain")
    return {name: value for name, _, value in pairs} or None


def size(option: str, text: str, least: int, most: int) -> tuple[int, int]:
    """`1920x1080` → (1920, 1080), each side from `least` to `most`. Raises SettingsError, naming `option`."""
    match = re.fullmatch(r"\s*(\d+)x(\d+)\s*", text)
    if not match or not all(least <= int(length) <= most for length in match.groups()):
        raise SettingsError(f"{option} {text}: WIDTHxHEIGHT, each {least} to {most}, such as 1920x1080")
    return int(match[1]), int(match[2])
