"""The import of ONNX Runtime: no telemetry, and one place only."""

import os
import re
import subprocess
import sys
from pathlib import Path

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
