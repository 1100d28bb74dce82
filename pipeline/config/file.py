"""Config files, YAML or TOML, and messages about settings that are invalid."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from pipeline.config.bounds import MAX_BYTES, TOO_DEEP, find_excess, find_yaml_excess
from pipeline.config.renames import with_current_names
from pipeline.errors import SettingsError

_SHOWN = 200  # characters of an invalid value in a message
NEVER_IN_FILES = ("allow_encoder_files", "allow_private")  # they would protect from nothing
_STRING_OPTIONS = ("options", "input_options")  # FFmpeg's options are strings; YAML parses `bf: 3` as a number


def read(file: Path) -> dict[str, Any]:
    """The settings in a config file: TOML if its name ends in .toml, else YAML.

    Raises:
        SettingsError: The file can't be read or isn't valid. The message quotes none of its text, which may be secret.
    """
    values = _parse(_read_text(file), file)
    if reason := find_excess(values):
        raise SettingsError(f"{file}: {reason}")
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(
            f"{file}: contains a {type(values).__name__}; a config file consists of lines such as `name: value`"
        )
    return normalised(values, file)


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise SettingsError(f"{file}: is no config file: it has more than {MAX_BYTES:,} bytes")
        return data.decode()
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise SettingsError(f"{file}: can't be read as a config file (it is not UTF-8)") from None
        reason = getattr(error, "strerror", None) or error  # ValueError: a NUL in the name
        raise SettingsError(f"{file}: can't be read as a config file ({reason})") from error


def _parse(text: str, file: Path) -> Any:
    if file.suffix == ".toml":
        return _parse_toml(text, file)
    try:
        if reason := find_yaml_excess(text):
            raise SettingsError(f"{file}: {reason}")
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        raise SettingsError(f"{file}: not valid YAML: {_yaml_reason(error)}") from None
    except yaml.YAMLError:
        raise SettingsError(f"{file}: not valid YAML: it contains characters that YAML does not allow") from None
    except (ValueError, OverflowError):  # such as the 30th of February, and numbers of more than 4,300 digits
        raise SettingsError(f"{file}: not valid YAML: it contains a number or a date that is impossible") from None


def _parse_toml(text: str, file: Path) -> Any:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise SettingsError(f"{file}: {TOO_DEEP}") from None
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"{file}: not valid TOML: {' '.join(str(error).split())}") from None


def normalised(values: dict[Any, Any], file: Path | None = None) -> dict[str, Any]:
    """`values` with strings as names, renamed settings under their present names, and strings as FFmpeg's options."""
    named = with_current_names({str(name): value for name, value in values.items()}, file)
    if file and (name := next((name for name in NEVER_IN_FILES if name in named), "")):
        raise SettingsError(f"{file}: {name}: only the command line and programs may set it")
    for name in _STRING_OPTIONS:
        if isinstance(options := named.get(name), dict):
            named[name] = {str(key): str(value) for key, value in options.items()}
    return named


def validation_message(
    error: ValidationError, file: Path | None, arguments: Collection[str], *models: type[BaseModel], within: str = ""
) -> str:
    """One line on the first invalid setting: which, the value seen unless it is secret, and what is allowed.

    Args:
        error: What pydantic reported.
        file: The config file, if there is one.
        arguments: The names of the settings that were given as arguments; all others come from `file`.
        models: The models whose fields are allowed there.
        within: The part of the file that the settings are in, such as "streams[1]: ".
    """
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    shown = _name_in_files(name, models)
    where = f"{file}: {within}{shown}" if file and name not in arguments else f"`{shown}`"
    if first["type"] == "extra_forbidden":
        return f"{where}: no such setting; there are {', '.join(n for model in models for n in field_names(model))}"
    reason = first["msg"].removeprefix("Value error, ")
    reason = f"{reason[0].lower()}{reason[1:]}"
    if not name:
        return reason
    is_secret = any(name in getattr(model, "secret", ()) for model in models) or first["type"] == "missing"
    value = str(first["input"]) if isinstance(first["input"], Path) else first["input"]
    return f"{where}: {reason}" if is_secret else f"{where} = {_shortened(value)}: {reason}"


def _shortened(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


def field_names(model: type[BaseModel]) -> dict[str, str]:
    """The fields of `model` by their names in config files, which differ where Python reserves a word."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


def _name_in_files(name: str, models: Collection[type[BaseModel]]) -> str:
    fields = {name: field for model in models for name, field in model.model_fields.items()}
    return (fields[name].alias if name in fields else None) or name


def _yaml_reason(error: yaml.MarkedYAMLError) -> str:
    """What the YAML parser reports, without the lines that it quotes."""
    reason = error.problem or error.context or "it can't be read"
    if isinstance(error, yaml.composer.ComposerError | yaml.constructor.ConstructorError):
        reason = reason.partition("'")[0].strip()  # a name follows, which may be part of a password
    mark = error.problem_mark or error.context_mark
    return f"{reason}, line {mark.line + 1}, column {mark.column + 1}" if mark else reason
