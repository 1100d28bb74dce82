"""The man page has every command and every option."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup

from pipeline.cli.commands import COMMANDS, load
from pipeline.cli.man_page import man_page


def every_command() -> list[tuple[str, Any]]:
    """Each command with its full name, those of groups too."""
    commands: list[tuple[str, Any]] = []
    for name in COMMANDS:
        command = load(name)
        commands.append((name, command))
        if isinstance(command, TyperGroup):
            commands += [(f"{name} {child}", each) for child, each in command.commands.items()]
    return commands


@pytest.mark.parametrize(("name", "command"), every_command(), ids=[name for name, _ in every_command()])
def test_section_of_a_command_has_its_arguments_and_options(name: str, command: Any) -> None:
    _, _, rest = man_page().partition(f'.SS "uprez {name}"\n')
    section = rest.partition("\n.SS ")[0].replace("\\-", "-")
    assert section
    for parameter in command.params:
        declared = parameter.opts if parameter.param_type_name == "option" else [parameter.name.upper()]
        for each in declared:
            assert f"\\fB{each}\\fR" in section or f"\\fI{each}\\fR" in section


def test_options_of_the_command_line_itself_are_listed() -> None:
    options = man_page().partition(".SH OPTIONS")[2].partition(".SH COMMANDS")[0].replace("\\-", "-")
    for option in ("--version", "--install-completion", "--show-completion"):
        assert f"\\fB{option}\\fR" in options


def test_no_line_begins_with_an_unknown_request() -> None:
    requests = {line.partition(" ")[0] for line in man_page().splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".PP", ".B"}


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_man_formats_it_without_a_warning(tmp_path: Path) -> None:
    page = tmp_path / "uprez.1"
    page.write_text(man_page())
    done = subprocess.run(["man", "--warnings", "-l", str(page)], capture_output=True, text=True, check=True)
    assert "uprez upscale" in done.stdout
    assert done.stderr == ""
