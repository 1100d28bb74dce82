"""A library that makes threads real-time leaves no trace of that."""

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from pipeline.errors import OutputError
from pipeline.system.scheduling import scheduling_kept
from tests.platforms import IS_ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not IS_ROOT, reason="only root on Linux may make threads real-time"
)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Ends the threads that a test starts, and restores the policy that pytest runs with."""
    event = threading.Event()
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    yield event
    event.set()
    os.sched_setscheduler(0, policy, priority)


def start_real_time_thread(release: threading.Event) -> int:
    """Make this thread real-time as SVT-AV1 does, and return the native identifier of a thread that inherits that."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))
    thread = threading.Thread(target=release.wait, daemon=True)
    thread.start()
    assert thread.native_id
    assert os.sched_getscheduler(thread.native_id) == os.SCHED_FIFO
    return thread.native_id


def test_calling_thread_and_threads_started_meanwhile_get_the_policy_of_before(release: threading.Event) -> None:
    before = os.sched_getscheduler(0)
    with scheduling_kept():
        started = start_real_time_thread(release)
    assert (os.sched_getscheduler(0), os.sched_getscheduler(started)) == (before, before)
    assert os.sched_getparam(started).sched_priority == os.sched_getparam(0).sched_priority


def test_policy_is_restored_after_an_error(release: threading.Event) -> None:
    def fail() -> None:
        with scheduling_kept():
            start_real_time_thread(release)
            raise OutputError

    before = os.sched_getscheduler(0)
    with pytest.raises(OutputError):
        fail()
    assert os.sched_getscheduler(0) == before


def test_threads_that_were_running_keep_their_policy(release: threading.Event) -> None:
    running = start_real_time_thread(release)
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with scheduling_kept():
        pass
    assert os.sched_getscheduler(running) == os.SCHED_FIFO


def test_real_time_caller_keeps_its_priority(release: threading.Event) -> None:
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(7))
    with scheduling_kept():
        start_real_time_thread(release)
    assert (os.sched_getscheduler(0), os.sched_getparam(0).sched_priority) == (os.SCHED_RR, 7)
