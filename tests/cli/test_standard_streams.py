"""Standard streams never raise: whatever happens to a terminal, a pipe or a log, the work goes on."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli.standard_streams import TolerantFile, take_write_error

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors as POSIX has them")

REPORT = "import os; from pipeline.cli.standard_streams import *; import sys; install_tolerant_streams(); "
START = (sys.executable, "-c")


def run(code: str, **streams: object) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([*START, REPORT + code], timeout=50, **streams)  # type: ignore[call-overload,no-any-return]


def test_text_for_a_full_device_is_dropped_and_the_first_error_is_kept() -> None:
    with open("/dev/full", "wb") as full:
        file = TolerantFile(full.fileno())
        assert file.write(b"lost") == 4
        assert file.write(b"lost too") == 8
    assert file.error is not None
    assert file.error.errno == errno.ENOSPC


def test_text_for_a_reader_that_has_ended_is_dropped() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    file = TolerantFile(writing)
    assert file.write(b"lost") == 4
    assert isinstance(file.error, BrokenPipeError)
    os.close(writing)


def test_what_a_non_blocking_pipe_has_no_room_for_is_dropped_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.cli.standard_streams._FULL_PIPE_MS", 1)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    file = TolerantFile(writing)
    block = b"x" * 65_536
    for _ in range(64):
        assert file.write(block) > 0
    assert file.error is None
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_print_does_not_raise_and_the_error_can_be_asked_for(unbuffered: str) -> None:
    code = "print('a'); print(b'b', flush=True); sys.stderr.write(str(take_write_error(sys.stdout)))"
    with open("/dev/full", "wb") as full:
        ended = run(code, stdout=full, stderr=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
    assert (ended.returncode, ended.stderr) == (0, b"[Errno 28] No space left on device")


def test_descriptors_that_were_closed_are_not_given_to_the_next_file(tmp_path: Path) -> None:
    code = f"file = open({str(tmp_path / 'video')!r}, 'wb'); os.write(1, b'noise'); os.write(2, b'noise'); print('x')"
    command = " ".join(["exec", sys.executable, "-c", '"$0"', "<&-", ">&-", "2>&-"])
    assert subprocess.run(["sh", "-c", command, REPORT + code], timeout=50).returncode == 0
    assert (tmp_path / "video").read_bytes() == b""


def test_names_that_the_encoding_lacks_are_escaped() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    ended = run(r"print('caf\xe9 \udcff')", stdout=subprocess.PIPE, env=environment)
    assert ended.stdout == b"caf\\xe9 \\udcff\n"


def test_a_stream_that_is_not_tolerant_has_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert take_write_error(sys.stdout) is None
