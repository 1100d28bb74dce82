"""The entry point of the process."""

import builtins
import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import pytest

from pipeline.cli.start import main


def test_entry_point_is_start_main() -> None:
    (uprez,) = entry_points(group="console_scripts", name="uprez")
    assert uprez.value == "pipeline.cli.start:main"


def test_ctrl_c_during_imports_exits_with_130_and_no_output(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    original = builtins.__import__

    def interrupted(name: str, *rest: Any, **named: Any) -> Any:
        if name == "pipeline.cli.main":
            raise KeyboardInterrupt
        return original(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capfd.readouterr() == ("", "")


def test_the_package_is_a_command_too() -> None:
    command = [sys.executable, "-m", "pipeline", "--version"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50).stdout
    assert printed.startswith("uprez ")
