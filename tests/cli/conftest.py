import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pipeline.cli.main import main


@dataclass(frozen=True)
class Outcome:
    """How a call of the command line ended."""

    code: int
    out: str
    err: str


Call = Callable[..., Outcome]


UPREZ = (sys.executable, "-m", "pipeline.cli.main")
"""The command line as a program."""


def run_uprez(*arguments: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a process of its own, with `given` as its standard input."""
    return subprocess.run([*UPREZ, *map(str, arguments)], input=given, capture_output=True, timeout=50)


@pytest.fixture
def uprez(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls the command line in this process."""

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["uprez", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return call
