"""The scripts in benchmarks/ run with the project as it is."""

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
def test_each_script_prints_its_usage(script: str) -> None:
    assert "usage" in run(script, "--help")


def test_steady_run_saves_its_figures(tmp_path: Path) -> None:
    run("steady.py", *SMALL, "--frames", 60, "--save", tmp_path / "steady.json")
    assert json.loads((tmp_path / "steady.json").read_text())


def test_start_up_times_are_saved(tmp_path: Path) -> None:
    run("start.py", *SMALL, "--runs", 1, "--save", tmp_path / "start.json")
    assert json.loads((tmp_path / "start.json").read_text())["starts"]


def test_parallel_encoders_are_measured(tmp_path: Path) -> None:
    options = ("--size", "128x96", "--presets", "ultrafast", "--encoders", "2", "--seconds", "0.2")
    run("gops.py", *options, "--save", tmp_path / "gops.json")
    assert json.loads((tmp_path / "gops.json").read_text())


def test_parallel_streams_are_measured(tmp_path: Path) -> None:
    options = ("--backend", "onnx", "--models", "identity", "--size", "64x48", "--decode", "--encode", "ultrafast")
    run("streams.py", *options, "--seconds", "0.2", "--most", "1", "--save", tmp_path / "streams.json")
    assert json.loads((tmp_path / "streams.json").read_text())["entries"][0]["trials"]
