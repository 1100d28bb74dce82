"""Files of settings, YAML or TOML, and what is said of a setting that is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from pipeline.errors import SettingsError

_OF_STRINGS = ("options", "input_options")  # YAML makes numbers of `bf: 3`


def read(file: Path) -> dict[str, Any]:
    """The values of a config file. Raises SettingsError, which quotes nothing of the file: it may hold secrets."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{file}: can't be read as a config file ({error.strerror})") from error
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: can't be read as a config file (it is not UTF-8)") from None
    kind = "TOML" if file.suffix == ".toml" else "YAML"
    try:
        values = tomllib.loads(text) if kind == "TOML" else yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        raise SettingsError(f"{file}: not valid YAML: {_place(error)}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: TOML's errors, and dates that can't be
        reason = " ".join(str(error).split()) if kind == "TOML" else "it holds what can't be read"
        raise SettingsError(f"{file}: not valid {kind}: {reason}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{file}: holds a {type(values).__name__}; a config file holds `name: value` lines")
    return with_strings(values)


def with_strings(values: dict[str, Any]) -> dict[str, Any]:
    """`values`, with strings for what is handed to FFmpeg."""
    made = {str(name): value for name, value in values.items()}
    for name in _OF_STRINGS:
        if isinstance(pairs := made.get(name), dict):
            made[name] = {str(key): str(value) for key, value in pairs.items()}
    return made


def problem(
    error: ValidationError, file: Path | None, chosen: Collection[str], *models: type[BaseModel], within: str = ""
) -> str:
    """What is wrong first.

    chosen: the settings that the command line gave; the others are of `file`, `within` a part of it. models: whose
    settings are allowed there.
    """
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    is_of_file = file and name not in chosen
    option = "SOURCE" if name == "source" else f"--{name.strip('_').replace('_', '-')}"
    where = f"{file}: {within}{name}" if is_of_file else option
    if first["type"] == "extra_forbidden":
        return f"{where}: no such setting; there are {', '.join(n for model in models for n in names(model))}"
    said = first["msg"].removeprefix("Value error, ")
    said = f"{said[0].lower()}{said[1:]}"
    if not name:
        return said
    is_secret = any(name in getattr(model, "secret", ()) for model in models) or first["type"] == "missing"
    seen = str(first["input"]) if isinstance(first["input"], Path) else first["input"]
    return f"{where}: {said}" if is_secret else f"{where} = {seen!r}: {said}"


def names(model: type[BaseModel]) -> dict[str, str]:
    """The fields of `model` by their names in files."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


def _place(error: yaml.MarkedYAMLError) -> str:
    """What YAML's reader says, without the lines that it quotes."""
    reason = error.problem or error.context or "it can't be read"
    if isinstance(error, yaml.composer.ComposerError | yaml.constructor.ConstructorError):
        reason = reason.partition("'")[0].strip()  # a name follows, which may be a part of a password
    mark = error.problem_mark or error.context_mark
    return f"{reason}, line {mark.line + 1}, column {mark.column + 1}" if mark else reason
