"""The import of OpenVINO: no telemetry, and one place only."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
from pipeline.system.openvino import load_openvino
openvino = load_openvino()
assert load_openvino() is openvino
import sys
print(openvino.Core.__name__, sorted(name for name in sys.modules if name.startswith("openvino_telemetry")))
"""
PACKAGE = """
try:
    import openvino_telemetry as telemetry
    telemetry.send()
except ImportError:
    telemetry = None
class Core: ...
"""
TELEMETRY = """
from pathlib import Path
def send():
    (Path.home() / "identifier").touch()
"""


def run(program: str, home: Path, *folders: Path) -> subprocess.CompletedProcess[str]:
    """Run a program with a home folder of its own, outside of continuous integration, where OpenVINO sends nothing."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "XDG_CACHE_HOME")}
    paths = [str(ROOT), *map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment |= {"HOME": str(home), "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=50)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with an `openvino` that uses its telemetry where it can be imported, and with that."""
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "openvino.py").write_text(PACKAGE)
    (folder / "openvino_telemetry.py").write_text(TELEMETRY)
    return folder


def test_openvino_is_imported_without_its_telemetry(home: Path, packages: Path) -> None:
    assert run("import openvino", home, packages).returncode == 0
    assert (home / "identifier").exists()
    (home / "identifier").unlink()
    ended = run(PROGRAM, home, packages)
    assert (ended.stdout, ended.stderr) == ("Core []\n", "")
    assert list(home.iterdir()) == []


def test_the_telemetry_package_can_be_imported_again_afterwards(home: Path, packages: Path) -> None:
    for first in ("", "import openvino_telemetry as before\n"):
        ended = run(f"{first}{PROGRAM}\nimport openvino_telemetry\nopenvino_telemetry.send()", home, packages)
        assert ended.stderr == ""
        assert (home / "identifier").exists()
        (home / "identifier").unlink()


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed")
def test_the_real_openvino_creates_no_file_in_the_home_folder(home: Path) -> None:
    ended = run(PROGRAM, home)
    assert (ended.stdout, ended.stderr) == ("Core []\n", "")
    assert list(home.iterdir()) == []


def test_no_other_module_imports_openvino() -> None:
    statement = re.compile(r"^\s*(import|from) openvino", re.MULTILINE)
    importing = [path for path in (ROOT / "pipeline").rglob("*.py") if statement.search(path.read_text())]
    assert [path.relative_to(ROOT).as_posix() for path in importing] == ["pipeline/system/openvino.py"]
