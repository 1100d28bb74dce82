"""The benchmarks of live streams run and report a result."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.servers import requires

FOLDER = Path(__file__).parents[2] / "benchmarks"
CHEAP = ("--size", "160x90", "--rate", "25", "--backend", "onnx", "--model", "identity")


def run(script: str, save: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(FOLDER / script), *CHEAP, "--save", str(save), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert save.exists(), done.stdout + done.stderr
    return dict(json.loads(save.read_text()))


@requires("gst-rtsp-server")
def test_the_delay_benchmark_reports_a_delay(tmp_path: Path) -> None:
    report = run("delay.py", tmp_path / "delay.json", "--seconds", "0.5", "--warm", "0")
    assert report["uprez"]["frames"] > 0
    assert len(report["without"]) == 2


@requires("gst-rtsp-server")
def test_the_soak_benchmark_counts_every_frame(tmp_path: Path) -> None:
    report = run("soak.py", tmp_path / "soak.json", "--minutes", "0.15", "--every", "6", "--seed", "6")
    (fault,) = report["faults"]
    assert fault["back"] is not None
    assert report["miscounted"] == 0
    assert (report["code"], report["left"], report["unreadable"]) == (0, 0, [])
