"""Child processes get what they need alone."""

import subprocess
import sys

import pytest

from pipeline.live.process.child import Child, ProcessEnded
from pipeline.live.process.confinement import import_path, needed_environment
from tests.live.process.test_child import ECHO


def test_secrets_in_the_environment_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"PATH": "/bin", "LC_ALL": "C", "https_proxy": "http://proxy", "CAMERA_PASSWORD": "x", "AWS_SECRET": "x"}
    assert needed_environment(given) == {"PATH": "/bin", "LC_ALL": "C", "https_proxy": "http://proxy"}
    monkeypatch.setenv("CAMERA_PASSWORD", "hunter22")
    with Child(ECHO) as child:
        child.send("environment")
        assert "CAMERA_PASSWORD" not in child.receive()


def test_the_import_path_begins_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert import_path("/package") == "/package"


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of data as Linux counts it")
def test_memory_is_limited_and_the_reason_is_reported() -> None:
    with Child(ECHO) as child:
        child.send("take memory")
        assert child.receive().reason == "it needs more than 1024 MiB of memory"
        with pytest.raises(ProcessEnded):
            child.receive()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process as POSIX has them")
def test_no_core_is_dumped_and_limits_that_are_lower_stay() -> None:
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (100, 100));"
        "from pipeline.live.process.confinement import limit_resources; limit_resources();"
        "print(r.getrlimit(r.RLIMIT_CORE), r.getrlimit(r.RLIMIT_NOFILE))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "(0, 0) (100, 100)\n"
