"""ONNX Runtime: no telemetry, no messages, and one place that imports it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.models.synthetic import nearest
from pipeline.system.onnx_runtime import cpu_session

ROOT = Path(__file__).parents[2]
SUPPRESS_TELEMETRY = ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
PROGRAM = """
from pipeline.system.onnx_runtime import load_onnx_runtime
print(load_onnx_runtime().get_available_providers())
"""


def test_onnx_runtime_creates_no_file_in_the_home_folder(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in SUPPRESS_TELEMETRY}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert "CPUExecutionProvider" in ended.stdout
    assert ended.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_no_other_module_imports_onnx_runtime() -> None:
    statement = re.compile(r"^\s*(import|from) onnxruntime", re.MULTILINE)
    importing = [path for path in (ROOT / "pipeline").rglob("*.py") if statement.search(path.read_text())]
    assert [path.name for path in importing] == ["onnx_runtime.py"]


def test_a_model_runs_on_the_cpu_from_its_file_and_from_its_content(tmp_path: Path) -> None:
    path = tmp_path / "nearest.onnx"
    path.write_bytes(nearest(np.float32).SerializeToString())
    image = np.random.default_rng(0).random((1, 3, 4, 6), np.float32)
    for model in (str(path), path.read_bytes()):
        (output,) = cpu_session(model, threads=1).run(None, {"input": image})
        assert np.array_equal(output, image.repeat(2, axis=2).repeat(2, axis=3))


def test_a_damaged_model_is_an_error_without_messages_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception, match=r"(?i)protobuf|invalid"):
        cpu_session(b"no model")
    assert capfd.readouterr() == ("", "")
