"""A process that is stuck ends all the same."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")

Start = Callable[..., "tuple[subprocess.Popen[str], psutil.Process]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the program of ending_program.py and waits until it is stuck; itself and its child."""
    started: list[subprocess.Popen[str]] = []

    def begin(
        how: str, code: int = 0, seconds: float = 20.0, hangup: signal.Handlers = signal.SIG_DFL
    ) -> "tuple[subprocess.Popen[str], psutil.Process]":
        command = [sys.executable, "-m", "tests.cli.ending_program", how, str(code), str(seconds)]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, hangup),
        )
        started.append(process)
        assert process.stdout
        return process, psutil.Process(int(process.stdout.readline()))

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_stops(start: Start, kind: signal.Signals) -> None:
    process, _ = start("obedient")
    process.send_signal(kind)
    assert process.communicate(timeout=30) == ("stopped\n", "")
    assert process.returncode == 0


def test_whoever_started_it_by_nohup_is_obeyed(start: Start) -> None:
    process, _ = start("obedient", hangup=signal.SIG_IGN)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30) == ("stopped\n", "")


def test_the_second_one_aborts(start: Start) -> None:
    process, _ = start("stubborn")
    process.send_signal(signal.SIGINT)
    assert process.stdout
    assert process.stdout.readline() == "stopped\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == ("aborted\n", "")


@pytest.mark.parametrize("how", ["stubborn", "in a library"])
def test_what_hangs_is_left_and_its_children_are_killed(start: Start, how: str) -> None:
    process, child = start(how, code=3, seconds=0.2)
    process.send_signal(signal.SIGTERM)
    said, complained = process.communicate(timeout=30)
    assert (said, complained) == ("stopped\n", "uprez: shutdown timed out; forced exit\n")
    assert process.returncode == 3
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
