"""Commands are imported when they run, and only what a command needs is imported with it."""

import inspect
import json
import subprocess
import sys

import pytest
import typer
from typer.core import TyperGroup

from pipeline.cli.commands import COMMANDS, load
from tests.cli.conftest import Call

HEAVY = {"av", "cuda", "cv2", "numpy", "onnx", "onnxruntime", "psutil", "pydantic", "tensorrt", "tensorrt_rtx", "yaml"}
PROGRAM = """
import json, sys
from pipeline.cli.start import main
sys.argv[0] = "uprez"
try:
    main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def imported_by(*arguments: str) -> set[str]:
    """The top-level modules that are loaded when the command line has run, in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(ended.stderr))


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("models",)])
def test_listing_commands_and_models_imports_no_heavy_library(arguments: tuple[str, ...]) -> None:
    assert imported_by(*arguments).isdisjoint(HEAVY)


def test_version_does_not_import_rich() -> None:
    assert "rich" not in imported_by("--version")


@pytest.mark.parametrize("arguments", [("upscale", "--help"), ("verify", "--help")])
def test_help_of_a_command_imports_neither_network_nor_gpu_libraries(arguments: tuple[str, ...]) -> None:
    assert imported_by(*arguments).isdisjoint({"cuda", "cv2", "onnx", "onnxruntime", "tensorrt", "tensorrt_rtx"})


@pytest.mark.parametrize("name", COMMANDS)
def test_help_line_is_the_first_sentence_of_the_commands_own_help(name: str) -> None:
    help = inspect.cleandoc(load(name).help or "")
    assert help.partition("\n")[0] == COMMANDS[name]


def test_help_lists_every_command_in_order(uprez: Call) -> None:
    lines = [line.strip("│ ") for line in uprez("--help").out.splitlines()]
    listed = [line for line in lines if line.partition(" ")[0] in COMMANDS]
    assert [line.partition(" ")[0] for line in listed] == list(COMMANDS)
    assert [line.partition(" ")[2].strip() for line in listed] == list(COMMANDS.values())


def test_mistyped_command_is_answered_with_a_suggestion(uprez: Call) -> None:
    ended = uprez("upscle")
    assert (ended.code, "Did you mean 'upscale'?" in ended.err) == (2, True)


def test_completion_can_be_installed(uprez: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--install-completion" in uprez("--help").out
    monkeypatch.setenv("_UPREZ_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "uprez up")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert uprez().out.split() == ["upscale"]


def test_options_of_a_command_are_completed(uprez: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_UPREZ_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "uprez upscale --deint")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert uprez().out.split() == ["--deinterlace"]


def test_group_of_commands_is_loaded_with_its_own_commands() -> None:
    engine = load("engine")
    assert isinstance(engine, TyperGroup)
    assert engine.list_commands(typer.Context(engine)) == ["build", "list", "clean"]


def test_renamed_option_is_accepted_with_a_note(uprez: Call) -> None:
    for arguments in (["--silence", "0"], ["--silence=0"]):
        ended = uprez("live", "webcam:0", "--show", *arguments)
        assert ended.code == 2
        assert ended.err.splitlines() == [
            "note: --silence is now called --timeout; the old name will be removed in the next version",
            "uprez: --timeout = 0.0: input should be greater than 0",
        ]
