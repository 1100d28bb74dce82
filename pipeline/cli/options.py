"""The options of the commands, made from the fields of the settings: name, type, help and default."""

from __future__ import annotations

import functools
import inspect
import re
import types
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from pipeline.config.settings import Settings, exact_time
from pipeline.errors import SettingsError

Config = Annotated[Path | None, typer.Option("--config", help="A YAML or TOML file of settings; options win over it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Command = Callable[..., None]

MODEL_OPTIONS = ("model_range", "model_channels", "model_layout")
"""The settings that overrule what a trial finds of a model file."""

SESSION_OPTIONS = ("backend", "engine", "precision", "device", "vram", "slots", "contexts", "threads")
"""The settings of what runs a network."""

# Options that are not called like their fields, or have a short name or a negative too.
_DECLARATIONS = {
    "audio": ("--audio/--no-audio",),
    "dedup": ("--dedup/--no-dedup",),
    "fill": ("--fill/--no-fill",),
    "format": ("--format", "-f"),
    "input_options": ("-i",),
    "model": ("--model", "-m"),
    "options": ("-x",),
    "quiet": ("--quiet", "-q"),
    "resume": ("--resume/--no-resume",),
    "show": ("--show/--no-show",),
}
_HELP = {
    "input_options": "NAME=VALUE: a further option of FFmpeg's demuxer; repeatable.",
    "options": "NAME=VALUE: a further option of the encoder; repeatable.",
}


def with_settings(*fields: str) -> Callable[[Command], Command]:
    """Replace a command's parameter `settings`, of type Settings, by --config and an option for each of `fields`."""

    def load(arguments: dict[str, Any]) -> Settings:
        chosen = arguments | {"options": encoder_options(arguments.get("options"))}
        return Settings.load(chosen.pop("config"), **chosen)

    parameters = {"config": Config} | {name: option_of(name, Settings.model_fields[name]) for name in fields}
    return functools.partial(with_parameters, parameters=parameters, load=load)


def with_parameters(
    command: Command, *, parameters: Mapping[str, Any], load: Callable[[dict[str, Any]], object]
) -> Command:
    """Replace a command's parameter `settings` by `parameters`, of which `load` makes its value.

    Args:
        command: Called with the settings and its own parameters, by name.
        parameters: Type annotations by name, as typer reads them; each default is None.
        load: Returns the settings; its argument has a value for each of `parameters`.
    """
    signature = inspect.signature(command, eval_str=True)
    replaced: list[inspect.Parameter] = []
    for own in signature.parameters.values():
        if own.name != "settings":
            replaced.append(own.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        replaced += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in parameters.items()
        ]

    def run(**arguments: Any) -> None:
        chosen = {name: arguments.pop(name) for name in parameters}
        command(**arguments, settings=load(chosen))

    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    run.__signature__ = signature.replace(parameters=replaced)  # type: ignore[attr-defined]  # what typer reads
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in replaced} | {"return": None}
    return run


def option_of(name: str, field: FieldInfo) -> Any:
    """The annotation of a command's parameter that sets the field `name` of the settings."""
    declared = _DECLARATIONS.get(name, (f"--{(field.alias or name).replace('_', '-')}",))
    return Annotated[option_type(field), typer.Option(*declared, help=help_of(name, field), show_default=False)]


def option_type(field: FieldInfo) -> Any:
    """The type that typer parses a field's option as; str for what the settings themselves parse."""
    of = field.annotation
    if get_origin(of) in (Union, types.UnionType):
        of = next(each for each in get_args(of) if each is not types.NoneType)
    if get_origin(of) is Annotated:
        of = get_args(of)[0]
    if get_origin(of) is dict or (get_origin(of) is tuple and get_args(of)[0] is not int):
        return list[str] | None
    is_parsed = any(isinstance(each, BeforeValidator) for each in field.metadata)
    return (of if of in (bool, int, float, Path) and not is_parsed else str) | None


def help_of(name: str, field: FieldInfo) -> str:
    """A field's choices, description and default as one sentence each."""
    if name in _HELP:
        return _HELP[name]
    text = str(field.description)
    choices = f"One of {', '.join(get_args(field.annotation))}. " if get_origin(field.annotation) is Literal else ""
    return f"{choices}{text[0].upper()}{text[1:]}{_default(field)}."


def _default(field: FieldInfo) -> str:
    default = ",".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
    if default in (None, {}, "") or isinstance(default, bool) or field.is_required():
        return ""
    return f" (default: {default:g})" if isinstance(default, float) else f" (default: {default})"


def encoder_options(items: Iterable[str] | None) -> dict[str, str] | None:
    """`-x tune=grain -x bf=3` → {"tune": "grain", "bf": "3"}; None if there are none."""
    return _pairs(items, lambda item: f"-x {item}: not NAME=VALUE, such as -x tune=grain")


def demuxer_options(items: Iterable[str] | None) -> dict[str, str] | None:
    """The same for `-i`, whose values no message quotes: they may be secrets."""
    return _pairs(items, lambda item: "-i: one of them is not NAME=VALUE, such as -i framerate=60")


def _pairs(items: Iterable[str] | None, message: Callable[[str], str]) -> dict[str, str] | None:
    pairs = [item.partition("=") for item in items or ()]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise SettingsError(message(name + equals + value))
    return {name: value for name, _, value in pairs} or None


def time_of(option: str, text: str | None) -> Fraction | None:
    """`1:00` → 60 seconds; None stays None. Raises SettingsError, naming `option`."""
    try:
        return exact_time(text)  # type: ignore[no-any-return]
    except ValueError as error:
        raise SettingsError(f"{option} {text}: {error}") from error


def frame_size(option: str, text: str, least: int, most: int) -> tuple[int, int]:
    """`1920x1080` → (1920, 1080), each side from `least` to `most`. Raises SettingsError, naming `option`."""
    match = re.fullmatch(r"\s*(\d+)x(\d+)\s*", text)
    if not match or not all(least <= int(length) <= most for length in match.groups()):
        raise SettingsError(f"{option} {text}: WIDTHxHEIGHT, each {least} to {most}, such as 1920x1080")
    return int(match[1]), int(match[2])


def even_frame_size(option: str, text: str, least: int, most: int) -> tuple[int, int]:
    """As `frame_size`, for encoders that need even sides. Raises SettingsError for others too."""
    width, height = frame_size(option, text, least, most)
    if width % 2 or height % 2:
        raise SettingsError(f"{option} {text}: WIDTHxHEIGHT, both even, such as 1920x1080")
    return width, height
