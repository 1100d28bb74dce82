"""The benchmarks of live streams run, and come to a verdict."""

import json
import subprocess
import sys
from pathlib import Path

from tests.servers import requires

FOLDER = Path(__file__).parents[2] / "benchmarks"
CHEAP = ("--size", "160x90", "--rate", "25", "--backend", "onnx", "--model", "identity")


def run(script: str, report: Path, *arguments: str) -> dict:
    command = [sys.executable, str(FOLDER / script), *CHEAP, "--save", str(report), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert report.exists(), done.stdout + done.stderr
    return dict(json.loads(report.read_text()))


@requires("gst-rtsp-server")
def test_delay(tmp_path: Path) -> None:
    found = run("delay.py", tmp_path / "delay.json", "--seconds", "0.5", "--warm", "0")
    assert found["uprez"]["pictures"] > 5
    assert len(found["without"]) == 2


@requires("gst-rtsp-server")
def test_a_soak(tmp_path: Path) -> None:
    found = run("soak.py", tmp_path / "soak.json", "--minutes", "0.15", "--every", "6", "--seed", "6")
    (fault,) = found["faults"]
    assert fault["back"] is not None
    assert found["miscounted"] == 0
    assert (found["code"], found["left"], found["unreadable"]) == (0, 0, [])
