"""The scripts in benchmarks/ know the project as it is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"
SMALL = ("--backend", "onnx", "--model", "identity", "--size", "64x48")


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, str(FOLDER / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", sorted(path.name for path in FOLDER.glob("*.py")))
def test_each_tells_how_it_is_used(script: str) -> None:
    assert "usage" in run(script, "--help")


def test_a_steady_run(tmp_path: Path) -> None:
    run("steady.py", *SMALL, "--frames", 60, "--save", tmp_path / "steady.json")
    assert json.loads((tmp_path / "steady.json").read_text())


def test_a_start(tmp_path: Path) -> None:
    run("start.py", *SMALL, "--runs", 1, "--save", tmp_path / "start.json")
    assert json.loads((tmp_path / "start.json").read_text())["starts"]


def test_encoders_side_by_side(tmp_path: Path) -> None:
    options = ("--size", "128x96", "--presets", "ultrafast", "--encoders", "2", "--seconds", "0.2")
    run("gops.py", *options, "--save", tmp_path / "gops.json")
    assert json.loads((tmp_path / "gops.json").read_text())


def test_streams_side_by_side(tmp_path: Path) -> None:
    options = ("--backend", "onnx", "--models", "identity", "--size", "64x48", "--decode", "--encode", "ultrafast")
    run("streams.py", *options, "--seconds", "0.2", "--most", "1", "--save", tmp_path / "streams.json")
    assert json.loads((tmp_path / "streams.json").read_text())["entries"][0]["trials"]
