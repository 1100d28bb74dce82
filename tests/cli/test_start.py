"""How the process begins."""

import builtins
from importlib.metadata import entry_points
from typing import Any

import pytest

from pipeline.cli.start import main


def test_the_command_begins_here() -> None:
    (uprez,) = entry_points(group="console_scripts", name="uprez")
    assert uprez.value == "pipeline.cli.start:main"


def test_ctrl_c_during_imports_ends_it_without_a_word(
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
