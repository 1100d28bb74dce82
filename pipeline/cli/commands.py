"""The commands of `uprez`. Each is imported when it runs, so that `uprez --help` imports none."""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from pipeline.config.renames import RENAMED_KEYS

# Each is the function, or the group of commands, of the same name in the module of the same name.
COMMANDS = {
    "upscale": "Upscale videos and images.",
    "live": "Upscale cameras and network streams continuously.",
    "jobs": "List jobs that were interrupted and can be continued.",
    "clean": "Remove what interrupted jobs have kept.",
    "verify": "Check that an output is complete.",
    "compare": "Compare models on a video, or finished files, on a web page.",
    "preview": "Make an image of one frame before and after upscaling.",
    "probe": "Show what is in a video, and how it would be upscaled.",
    "bench": "Measure the speed of each stage and of all together.",
    "engine": "Build, list and remove the engines that run networks.",
    "models": "List, add, download, show and remove models.",
    "doctor": "Show what this machine can do, and how to install what is missing.",
}

_FLAGS_OF_TYPER = ("help", "install_completion", "show_completion")


def _unset_flags(params: list[Any]) -> list[Any]:
    """`params`, typer's own flags among them False where they aren't given: for None, typer would import pydantic."""
    for param in params:
        if param.name in _FLAGS_OF_TYPER:
            param.default = False
    return params


class QuickGroup(TyperGroup):
    """A group of commands whose help is printed without importing pydantic."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options of the group itself."""
        return _unset_flags(super().get_params(ctx))


class LazyGroup(QuickGroup):
    """The group of COMMANDS: it knows their names and help lines, and imports a command only to run it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, help in COMMANDS.items():
            self.add_command(TyperCommand(name, help=help))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that `args` name, imported, and the arguments that are left for it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if command is not None and name is not None else command, rest


class RenamingCommand(TyperCommand):
    """A command that also accepts options by their names of the previous version."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options and arguments of the command."""
        return _unset_flags(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse `args`, renamed options in them by their present names; a note names each."""
        own = {option for param in self.params for option in param.opts}
        present = [_present_option(argument, own) for argument in args]
        return super().parse_args(ctx, present)


def load(name: str) -> TyperCommand | TyperGroup:
    """Import the command `name` of COMMANDS."""
    command = getattr(importlib.import_module(f"pipeline.cli.{name}"), name)
    if not isinstance(command, typer.Typer):
        app = typer.Typer(add_completion=False)
        app.command(name, cls=RenamingCommand)(command)
        command = app
    loaded = get_command(command)
    assert isinstance(loaded, TyperCommand | TyperGroup)
    loaded.name = name
    return loaded


def _present_option(argument: str, own: set[str]) -> str:
    """`--timeout=5` for `--silence=5`, with a note, where --timeout is among a command's `own` options."""
    option, equals, value = argument.partition("=")
    for old, new in RENAMED_KEYS.items():
        if option == _as_option(old) and option not in own and _as_option(new) in own:
            from pipeline.cli.console import note

            note(f"{option} is now called {_as_option(new)}; the old name will be removed in the next version")
            return f"{_as_option(new)}{equals}{value}"
    return argument


def _as_option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
