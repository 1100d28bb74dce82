"""The options of `uprez live`, made from the fields of its settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any

import typer

from pipeline.cli.options import (
    Command,
    Config,
    demuxer_options,
    encoder_options,
    help_of,
    option_of,
    with_parameters,
)
from pipeline.config.live_settings import LiveSettings, StreamSettings
from pipeline.config.settings import Upscaling
from pipeline.errors import SettingsError

# The first in the help; the others follow in the order of the settings.
_FIRST = ("to", "show", "page", "token", "config", "name", "format", "transport", "ca_file", "input_options", "for_")


def with_live_settings() -> Callable[[Command], Command]:
    """Replace a command's parameter `settings`, of type LiveSettings, by SOURCE, --config and an option per field."""
    return functools.partial(with_parameters, parameters=_parameters(), load=_load)


def _parameters() -> dict[str, Any]:
    fields = {**StreamSettings.model_fields, **LiveSettings.model_fields}
    source = typer.Argument(help=help_of("source", fields.pop("source")), show_default=False)
    del fields["streams"]  # a list in a config file
    own = [name for name in fields if name not in Upscaling.model_fields and name not in _FIRST]
    options = {name: option_of(name, fields[name]) for name in fields} | {"config": Config}
    names = (*_FIRST, *Upscaling.model_fields, *own)
    return {"source": Annotated[list[str] | None, source]} | {name: options[name] for name in names}


def _load(arguments: dict[str, Any]) -> LiveSettings:
    sources = arguments.pop("source") or [None]
    if len(sources) > 1:  # typer would quote them, with their secrets
        raise SettingsError(
            f"{len(sources)} sources are given; one is allowed: give outputs by --to, and several cameras in a config "
            "file with `streams:`, by --config"
        )
    chosen = {name: value for name, value in arguments.items() if value not in (None, [])}
    chosen["source"] = sources[0]
    chosen["options"] = encoder_options(arguments["options"])
    chosen["input_options"] = demuxer_options(arguments["input_options"])
    return LiveSettings.load(chosen.pop("config", None), **chosen)
