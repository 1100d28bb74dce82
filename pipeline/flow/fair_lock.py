"""One at a time, in the order in which they came: a fair lock with a gate for each party."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType

from pipeline.flow.channel import Aborted


class FairLock:
    """What one thread at a time may pass. `threading.Lock` goes to whoever happens to be quick; this to who came first.

    Each party has a `gate` of its own. Who leaves hands over to the one that has waited longest, so that nobody is
    overtaken, and a party that comes again at once waits behind all others. taken: somebody is inside.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.taken = False
        self._waiting: deque[_Waiter] = deque()

    def gate(self) -> Gate:
        """A way in for one more party."""
        return Gate(self)

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    def _enter(self, gate: Gate) -> None:
        waiter = _Waiter(gate)
        try:
            with self._lock:
                if gate.aborted:
                    raise Aborted
                if not self.taken:
                    self.taken = True
                    return
                self._waiting.append(waiter)
            waiter.woken.acquire()
        except BaseException:  # Ctrl-C in the main thread: the turn must not be lost with it
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
        """To the next that waits, without being free in between: else the quickest would slip in."""
        if self._waiting:
            self._waiting.popleft().wake(admitted=True)
        else:
            self.taken = False

    def _turn_away(self, gate: Gate) -> None:
        with self._lock:
            gate.aborted = True
            turned = [waiter for waiter in self._waiting if waiter.gate is gate]
            for waiter in turned:
                self._waiting.remove(waiter)
                waiter.wake(admitted=False)


class Gate:
    """One party's way through a fair_lock: `with gate:` waits for its turn, and ends it. Not to be nested.

    aborted: nobody passes here any more.
    """

    def __init__(self, fair_lock: FairLock) -> None:
        self._turnstile = fair_lock
        self.aborted = False

    def __enter__(self) -> None:
        self._turnstile._enter(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turnstile._leave()

    def abort(self) -> None:
        """Raise Aborted in whoever waits at this gate, or comes to it later. Others' gates stay as they are."""
        self._turnstile._turn_away(self)


class _Waiter:
    """A thread that waits at a gate until it is admitted, or turned away."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.admitted = False
        self.woken = threading.Lock()
        self.woken.acquire()

    def wake(self, admitted: bool) -> None:
        self.admitted = admitted
        self.woken.release()
