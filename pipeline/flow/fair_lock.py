"""A fair lock: it is acquired in the order of arrival."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType

from pipeline.flow.blocking import Aborted


class FairLock:
    """A lock that goes to the thread that has waited longest; `threading.Lock` may go to any.

    Each user has a `gate` of its own, which can be aborted without the others. A thread that releases the lock hands it
    over to the one that has waited longest, so a thread that acquires it again at once waits behind all others.

    Attributes:
        taken: True while a thread holds the lock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.taken = False
        self._waiting: deque[_Waiter] = deque()

    def gate(self) -> Gate:
        """A gate for one more user of the lock."""
        return Gate(self)

    @property
    def waiting(self) -> int:
        """The number of threads that wait for the lock."""
        return len(self._waiting)

    def _enter(self, gate: Gate) -> None:
        waiter = None
        try:
            with self._lock:
                if gate.aborted:
                    raise Aborted
                if not self.taken:
                    self.taken = True
                    return
                waiter = _Waiter(gate)
                self._waiting.append(waiter)
            waiter.woken.acquire()
        except BaseException:  # Ctrl-C in the main thread, which may just have been admitted
            if waiter is not None:
                self._give_up(waiter)
            raise
        if not waiter.admitted:
            raise Aborted

    def _give_up(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.admitted:
                self._hand_over()
            elif waiter in self._waiting:
                self._waiting.remove(waiter)

    def _leave(self) -> None:
        with self._lock:
            self._hand_over()

    def _hand_over(self) -> None:
        """Pass the lock to the next waiter without freeing it in between, which would let a newcomer overtake."""
        if self._waiting:
            self._waiting.popleft().wake(admitted=True)
        else:
            self.taken = False

    def _reject(self, gate: Gate) -> None:
        with self._lock:
            gate.aborted = True
            for waiter in [waiter for waiter in self._waiting if waiter.gate is gate]:
                self._waiting.remove(waiter)
                waiter.wake(admitted=False)


class Gate:
    """One user's access to a FairLock: `with gate:` waits for the lock and releases it at the end. Not reentrant.

    Attributes:
        aborted: True after `abort`; entering raises Aborted.
    """

    def __init__(self, fair_lock: FairLock) -> None:
        self._fair_lock = fair_lock
        self.aborted = False

    def __enter__(self) -> None:
        self._fair_lock._enter(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._fair_lock._leave()

    def abort(self) -> None:
        """Raise Aborted in threads that wait at this gate, now or later. Other gates are not affected."""
        self._fair_lock._reject(self)


class _Waiter:
    """A thread that waits at a gate until it is admitted or rejected."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.admitted = False
        self.woken = threading.Lock()
        self.woken.acquire()

    def wake(self, admitted: bool) -> None:
        self.admitted = admitted
        self.woken.release()
