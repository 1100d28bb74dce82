"""ONNX Runtime tells nobody what it does."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUIETING = ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")


def test_it_leaves_nothing_in_the_users_folders(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in QUIETING}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    program = "from pipeline.system.onnx_runtime import onnx_runtime; print(onnx_runtime().get_available_providers())"
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert "CPUExecutionProvider" in told.stdout
    assert told.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_nothing_imports_it_by_itself() -> None:
    import_of_it = re.compile(r"^\s*(import|from) onnxruntime", re.MULTILINE)
    importing = [path for path in (ROOT / "pipeline").rglob("*.py") if import_of_it.search(path.read_text())]
    assert [path.name for path in importing] == ["onnx_runtime.py"]
