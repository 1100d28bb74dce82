"""The man page of `uprez`, generated from the definitions of its commands: `python -m pipeline.cli.man_page`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

import pipeline
from pipeline.cli.commands import COMMANDS, load
from pipeline.cli.main import app


def man_page() -> str:
    """The man page in troff, with every command, argument and option."""
    root = get_command(app)
    summary = root.help or ""
    lines = [
        f'.TH UPREZ 1 "" "uprez {pipeline.__version__}" "User Commands"',
        ".SH NAME",
        f"uprez \\- {_escaped(summary[0].lower() + summary[1:].rstrip('.'))}",
        ".SH SYNOPSIS",
        ".B uprez",
        "[options] command [options] [arguments]",
        ".SH OPTIONS",
        *_parameters(root),
        ".SH COMMANDS",
    ]
    for name in COMMANDS:
        lines += _command(f"uprez {name}", load(name))
    lines += [".SH SEE ALSO", "ffmpeg(1)"]
    return "\n".join(lines) + "\n"


def _command(name: str, command: Any) -> Iterator[str]:
    """The section of a command, and those of its own commands."""
    yield f'.SS "{_escaped(name)}"'
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    for index, paragraph in enumerate(paragraphs):
        if index:
            yield ".PP"
        yield _escaped(" ".join(paragraph.split()))
    yield from _parameters(command)
    if isinstance(command, TyperGroup):
        for child in command.commands.values():
            yield from _command(f"{name} {child.name}", child)


def _parameters(command: Any) -> Iterator[str]:
    """The arguments and the options of a command, but --help, which all have."""
    for parameter in command.params:
        if not getattr(parameter, "hidden", False):
            yield ".TP"
            yield _declaration(parameter)
            yield _escaped(" ".join((parameter.help or "").split()))


def _declaration(parameter: Any) -> str:
    r"""`\fB\-\-model\fR, \fB\-m\fR \fIVALUE\fR`, or `\fISOURCES\fR...` of an argument."""
    if parameter.param_type_name == "argument":
        return f"\\fI{_escaped(parameter.name.upper())}\\fR{'...' if parameter.nargs == -1 else ''}"
    names = ", ".join(f"\\fB{_escaped(name)}\\fR" for name in (*parameter.opts, *parameter.secondary_opts))
    return names if parameter.is_flag else f"{names} \\fIVALUE\\fR"


def _escaped(text: str) -> str:
    """`text` with what troff would interpret: backslashes, hyphens, and a dot or a quote that begins a line."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    print(man_page(), end="")
