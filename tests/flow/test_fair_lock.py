"""A fair lock: threads acquire it in the order of arrival, and nobody waits for ever."""

import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from pipeline.flow.blocking import Aborted
from pipeline.flow.fair_lock import FairLock, Gate
from tests.waiting import DEADLINE, joined, queued, until


def test_threads_acquire_the_lock_in_the_order_of_arrival() -> None:
    fair_lock, order = FairLock(), list[int]()

    def work(number: int) -> Callable[[], None]:
        gate = fair_lock.gate()

        def pass_through() -> None:
            with gate:
                order.append(number)

        return pass_through

    with fair_lock.gate():
        threads = queued(fair_lock, **{f"test-{number}": work(number) for number in range(8)})
    joined(*threads)
    assert order == list(range(8))


def test_five_greedy_threads_get_equal_shares_and_do_not_overtake_a_sixth() -> None:
    fair_lock, order = FairLock(), list[str]()
    gates: dict[str, Gate] = {name: fair_lock.gate() for name in ("a", "b", "c", "d", "e", "modest")}

    def greedy(name: str) -> Callable[[], None]:
        def acquire_repeatedly() -> None:
            for _ in range(10):
                with gates[name]:
                    order.append(name)
                    # keep the lock until the others wait for it, so that all five want it at any time
                    until(lambda: fair_lock.waiting >= 4 or len(order) > 46)

        return acquire_repeatedly

    def modest() -> None:
        with gates["modest"]:
            order.append("modest")

    with fair_lock.gate():
        threads = queued(fair_lock, **{name: greedy(name) for name in "abcde"}, modest=modest)
    joined(*threads)
    assert order[:6] == ["a", "b", "c", "d", "e", "modest"]
    rounds = order[6:36]
    assert {name: rounds.count(name) for name in "abcde"} == dict.fromkeys("abcde", 6)


def test_only_one_thread_holds_the_lock_at_a_time() -> None:
    fair_lock = FairLock()
    inside, most = [0], [0]

    def work() -> None:
        gate = fair_lock.gate()
        for _ in range(200):
            with gate:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work, name="uprez-test", daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    joined(*threads)
    assert (most, inside, fair_lock.waiting) == ([1], [0], 0)


def test_an_error_inside_releases_the_lock() -> None:
    gate = FairLock().gate()
    with pytest.raises(RuntimeError), gate:
        raise RuntimeError("on purpose")
    with gate:
        pass


def test_abort_wakes_the_threads_of_its_own_gate_only() -> None:
    fair_lock, outcome = FairLock(), list[str]()
    ours, theirs = fair_lock.gate(), fair_lock.gate()

    def work(name: str, gate: Gate) -> Callable[[], None]:
        def pass_through() -> None:
            try:
                with gate:
                    outcome.append(name)
            except Aborted:
                outcome.append(f"{name} aborted")

        return pass_through

    with fair_lock.gate():
        works = {"first": work("ours", ours), "second": work("theirs", theirs), "third": work("ours", ours)}
        first, second, third = queued(fair_lock, **works)
        ours.abort()
        joined(first, third)
        assert outcome == ["ours aborted", "ours aborted"]
        assert fair_lock.waiting == 1
    joined(second)
    assert outcome[2:] == ["theirs"]
    with pytest.raises(Aborted), ours:
        pass
    with theirs:
        pass


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Make Ctrl-C raise, also in background jobs, for which shells ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="signals wake no waiting thread on Windows")
def test_a_wait_that_ctrl_c_interrupts_does_not_keep_the_lock(ctrl_c: None) -> None:
    fair_lock, order = FairLock(), list[str]()
    main = threading.get_ident()
    ours, theirs, other = (fair_lock.gate() for _ in range(3))
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with theirs:
            inside.set()
            until(lambda: fair_lock.waiting == 1)
            signal.pthread_kill(main, signal.SIGINT)
            leave.wait(DEADLINE)

    holder = threading.Thread(target=hold, name="uprez-test", daemon=True)
    holder.start()
    inside.wait(DEADLINE)
    with pytest.raises(KeyboardInterrupt), ours:
        order.append("never")
    assert fair_lock.waiting == 0
    leave.set()
    with other:
        order.append("other")
    joined(holder)
    assert order == ["other"]
