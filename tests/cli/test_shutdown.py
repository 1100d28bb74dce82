"""Signals stop and abort work in order; what can't end in time is forced to, and nothing is left behind."""

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import psutil
import pytest

from pipeline.cli.shutdown import ForcedExit, graceful_shutdown
from tests.platforms import ENDING_SIGNALS
from tests.waiting import has_ended, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")

Start = Callable[..., "tuple[subprocess.Popen[str], psutil.Process]"]


class Work:
    """Counts the calls of its methods."""

    def __init__(self) -> None:
        self.stops, self.aborts = 0, 0

    def stop(self) -> None:
        self.stops += 1

    def abort(self) -> None:
        self.aborts += 1


@pytest.fixture(autouse=True)
def default_handlers() -> Iterator[None]:
    """Sets the handlers that a process starts with, whatever this one inherited."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts shutdown_program.py and waits until it blocks; returns the program and its child process."""
    started: list[subprocess.Popen[str]] = []

    def begin(how: str, code: int = 0, seconds: float = 20.0) -> "tuple[subprocess.Popen[str], psutil.Process]":
        command = [sys.executable, "-m", "tests.cli.shutdown_program", how, str(code), str(seconds)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        return process, psutil.Process(int(process.stdout.readline()))

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", ENDING_SIGNALS)
def test_any_signal_stops_the_work_and_ctrl_c_after_it_aborts_it(work: Work, number: signal.Signals) -> None:
    with graceful_shutdown(work):
        signal.raise_signal(number)
        until(lambda: work.stops == 1)
        signal.raise_signal(signal.SIGINT)
        until(lambda: work.aborts == 1)
        signal.raise_signal(signal.SIGINT)
    assert (work.stops, work.aborts) == (1, 1)


@pytest.mark.parametrize("number", sorted({*ENDING_SIGNALS} - {signal.SIGINT}))
def test_a_signal_that_is_no_ctrl_c_never_aborts(work: Work, number: signal.Signals) -> None:
    """A terminal that is closed sends SIGHUP twice: by its shell, and by the system."""
    with graceful_shutdown(work, is_interruptible=lambda: True):
        for _ in range(3):
            signal.raise_signal(number)
        until(lambda: work.stops == 1)
    assert (work.stops, work.aborts) == (1, 0)


def test_sighup_that_was_ignored_stays_ignored(work: Work) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with graceful_shutdown(work):
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    assert (work.stops, work.aborts) == (1, 0)


def test_signals_that_do_not_ask_to_end_have_no_effect(work: Work) -> None:
    before = signal.signal(signal.SIGUSR1, lambda number, frame: None)
    with graceful_shutdown(work):
        signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGTERM)
    signal.signal(signal.SIGUSR1, before)
    assert (work.stops, work.aborts) == (1, 0)


@pytest.mark.parametrize("signals", [0, 1, 2])
@pytest.mark.parametrize("fails", [False, True])
def test_block_leaves_neither_handlers_nor_threads_nor_sockets(work: Work, signals: int, fails: bool) -> None:
    def handlers() -> list[object]:
        return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    gc.collect()  # closes what other tests left
    before, threads, files = handlers(), set(threading.enumerate()), psutil.Process().num_fds()
    try:
        with graceful_shutdown(work, ForcedExit(60.0, lambda: 1)):
            for count in range(1, signals + 1):
                signal.raise_signal(signal.SIGINT)
                until(lambda count=count: work.stops + work.aborts == count)  # type: ignore[misc]  # bound early
            if fails:
                raise ValueError
    except ValueError:
        assert fails
    # After a signal, further ones must not end the process with another exit code.
    assert handlers() == ([signal.SIG_IGN] * 3 if signals else before)
    assert set(threading.enumerate()) <= threads
    assert psutil.Process().num_fds() <= files
    assert signal.set_wakeup_fd(-1) == -1


def test_no_exit_is_forced_after_the_block(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    with graceful_shutdown(work, ForcedExit(60.0, lambda: 1)):
        signal.raise_signal(signal.SIGTERM)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("uprez")]
    assert (work.stops, exits) == (1, [])


def test_block_ends_after_the_calls_that_it_started() -> None:
    class SlowWork(Work):
        may_stop = threading.Event()

        def stop(self) -> None:
            self.may_stop.wait()
            super().stop()

    work = SlowWork()
    later = threading.Timer(0.01, work.may_stop.set)
    with graceful_shutdown(work):
        signal.raise_signal(signal.SIGTERM)
        later.start()
    assert work.stops == 1
    later.join()


def test_second_signal_interrupts_a_main_thread_that_abort_does_not_reach(work: Work) -> None:
    def wait_for_ever() -> None:
        signal.raise_signal(signal.SIGTERM)
        until(lambda: work.stops == 1)
        signal.raise_signal(signal.SIGINT)
        threading.Event().wait()

    with pytest.raises(KeyboardInterrupt), graceful_shutdown(work, is_interruptible=lambda: True):
        wait_for_ever()
    assert work.aborts == 1


@pytest.mark.parametrize("number", ENDING_SIGNALS)
def test_process_ends_in_order_by_one_signal(start: Start, number: signal.Signals) -> None:
    process, _ = start("obedient", code=5)
    process.send_signal(number)
    assert process.communicate(timeout=30) == ("stopped\n", "")
    assert process.returncode == 5


def test_process_that_does_not_stop_is_aborted_by_a_second_signal(start: Start) -> None:
    process, _ = start("stubborn")
    process.send_signal(signal.SIGINT)
    assert process.stdout
    assert process.stdout.readline() == "stopped\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == ("aborted\n", "")


@pytest.mark.parametrize("how", ["stubborn", "in a library"])
def test_process_that_blocks_is_forced_to_exit_and_its_children_are_killed(start: Start, how: str) -> None:
    process, child = start(how, code=3, seconds=0.2)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30) == ("stopped\n", "uprez: shutdown timed out; forced exit\n")
    assert process.returncode == 3
    until(lambda: has_ended(child))
