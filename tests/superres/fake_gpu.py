"""A GPU that is not there: streams that do what is queued only when somebody waits for it.

That is the worst order that CUDA allows: a wait for an event that was forgotten shows as a wrong picture.
"""

import threading
from collections import deque
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from pipeline.errors import BackendError, OutOfMemory
from pipeline.superres.gpu import compute, memory_fallback

BYTES_A_PIXEL = 1000


class FakeGpu:
    """open: buffers that are not freed."""

    def __init__(self, ordinal: int = 0) -> None:
        self.device = self.facts = SimpleNamespace(name="fake", device_id=ordinal)
        self.free_memory = 10**9
        self.memory: dict[int, np.ndarray] = {}
        self.lock = threading.RLock()
        self._addresses = count(4096, 4096)

    @property
    def open(self) -> int:
        return len(self.memory)

    def use(self) -> None: ...

    def use_again(self) -> None: ...

    def stream(self) -> "FakeStream":
        return FakeStream(self)

    def event(self, timed: bool = False) -> "FakeEvent":
        return FakeEvent()

    def allocate(self, size: int, stream: Any) -> "FakeBuffer":
        return FakeBuffer(self, size)

    def pinned(self, size: int) -> Any:
        buffer = FakeBuffer(self, size)
        return SimpleNamespace(buffer=buffer, array=buffer.array, close=buffer.close)

    def address(self) -> int:
        return next(self._addresses)


class FakeBuffer:
    def __init__(self, gpu: FakeGpu, size: int) -> None:
        self._gpu = gpu
        self.handle = gpu.address()
        self.array = gpu.memory[self.handle] = np.zeros(size, np.uint8)

    def copy_from(self, other: "FakeBuffer", stream: "FakeStream") -> None:
        stream.do(lambda: np.copyto(self.array, other.array))

    def copy_to(self, other: "FakeBuffer", stream: "FakeStream") -> None:
        other.copy_from(self, stream)

    def close(self, stream: Any = None) -> None:
        self.array.fill(0xEE)  # what still reads it gives a wrong picture
        del self._gpu.memory[self.handle]


class FakeEvent:
    """Comes when its stream has done what was queued before it was recorded last."""

    def __init__(self) -> None:
        self._come: Callable[[], None] = lambda: None

    def recorded(self, come: Callable[[], None]) -> None:
        self._come = come

    def sync(self) -> None:
        self._come()

    @property
    def is_done(self) -> bool:
        return False


class FakeStream:
    def __init__(self, gpu: FakeGpu) -> None:
        self._lock = gpu.lock
        self._waiting: deque[Callable[[], None]] = deque()
        self._queued = self._done = 0

    def do(self, work: Callable[[], None]) -> None:
        with self._lock:
            self._waiting.append(work)
            self._queued += 1

    def record(self, event: FakeEvent) -> None:
        with self._lock:
            until = self._queued
            event.recorded(lambda: self._work(until))

    def wait(self, event: FakeEvent) -> None:
        self.do(event._come)

    def sync(self) -> None:
        self._work(self._queued)

    def _work(self, until: int) -> None:
        with self._lock:
            while self._done < until:
                self._done += 1
                self._waiting.popleft()()


class FakeNetwork:
    """An engine, of 1000 bytes a pixel. loaded, closed: how many were."""

    loaded: ClassVar[list[tuple[int, int]]] = []
    closed: ClassVar[list[tuple[int, int]]] = []

    def __init__(self, gpu: Any, flavour: Any, model: Any, height: int, width: int, cache: Any, shapes: Any) -> None:
        self._size = width, height
        self.model = model
        self.memory = BYTES_A_PIXEL * width * height
        self.fixed = True
        self.loaded.append(self._size)

    def remember(self) -> None: ...

    def close(self) -> None:
        self.closed.append(self._size)


class FakePasses:
    """Inverts samples, by way of a tensor of the lane's: two frames that meet there spoil each other.

    runs_out_at, fails_at: the numbers of the calls that find no memory, or fail half-way.
    """

    calls: ClassVar[list[int]] = []
    runs_out_at: ClassVar[set[int]] = set()
    fails_at: ClassVar[set[int]] = set()

    def __init__(self, gpu: FakeGpu, network: Any, tiling: Any, conversions: Any) -> None:
        self.stream = gpu.stream()
        self._gpu = gpu
        self._tensor = np.empty(0, np.uint8)
        self._room = gpu.allocate(1, self.stream)

    def queue(self, samples: int, result: int, mark: Callable[[str], None]) -> None:
        memory = self._gpu.memory
        self.stream.do(lambda: self._take(memory[samples]))
        self.calls.append(len(self.calls))
        if self.calls[-1] in self.runs_out_at:
            raise OutOfMemory("no room, says this test")
        if self.calls[-1] in self.fails_at:
            raise BackendError("broken, says this test")
        threading.Event().wait(0.0001)  # another thread may come between, if it is let in
        self.stream.do(lambda: np.copyto(memory[result], self._tensor))

    def network(self) -> None: ...

    def close(self) -> None:
        self.stream.sync()
        self._room.close()

    def _take(self, samples: np.ndarray) -> None:
        self._tensor = ~samples


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    """The one GPU of this machine, which is not there."""
    fake = FakeGpu()
    for name in ("loaded", "closed"):
        monkeypatch.setattr(FakeNetwork, name, [])
    monkeypatch.setattr(FakePasses, "calls", [])
    monkeypatch.setattr(FakePasses, "runs_out_at", set())
    monkeypatch.setattr(FakePasses, "fails_at", set())
    monkeypatch.setattr(memory_fallback, "Network", FakeNetwork)
    monkeypatch.setattr(memory_fallback, "Passes", FakePasses)
    monkeypatch.setattr(compute, "Gpu", lambda device: fake)
    monkeypatch.setattr(compute, "load", lambda flavour: SimpleNamespace(name="rtx", version="0"))
    monkeypatch.setattr(compute, "conversions", lambda *given: None)
    return fake
