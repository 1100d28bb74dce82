"""The summary of tests/gpu/sanitize.py, with a program in the place of compute-sanitizer."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tests.gpu.sanitize import sanitize

CLEAN = "========= ERROR SUMMARY: 0 errors"
DONE = "done: 9 of 9 runs, 0 wrong, 1 s"


@pytest.mark.parametrize(
    ("tool", "printed", "code", "good"),
    [
        ("memcheck", (DONE, CLEAN), 0, True),
        ("racecheck", (DONE, "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)"), 0, True),
        ("memcheck", (DONE, "========= ERROR SUMMARY: 2 errors"), 0, False),
        ("racecheck", (DONE, "========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)"), 0, False),
        ("memcheck", (CLEAN,), 0, False),
        ("memcheck", (DONE,), 0, False),
        ("initcheck", ("done: 4 of 9 runs, 0 wrong, 60 s", CLEAN), 1, False),
    ],
)
def test_only_complete_runs_without_findings_are_good(
    tool: str, printed: tuple[str, ...], code: int, good: bool, tmp_path: Path
) -> None:
    program = tmp_path / "sanitizer"
    lines = "".join(f"echo '{line}'\n" for line in printed)
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n{lines}exit {code}\n')
    program.chmod(0o755)
    args = argparse.Namespace(sanitizer=str(program), seconds=60.0, logs=tmp_path)
    assert (sanitize(tool, args) == 0) is good
    arguments = (tmp_path / "arguments").read_text()
    assert f"--tool {tool}" in arguments
    assert ("--serial" in arguments) == (tool == "racecheck")
    assert (tmp_path / f"{tool}.log").read_text().splitlines() == list(printed)
