"""A fake GPU whose streams execute queued work only when somebody waits for it.

That is the worst order that CUDA allows: a missing wait for an event shows as a wrong frame.
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
from pipeline.frame import DevicePlane
from pipeline.superres.gpu import compute, memory_fallback
from pipeline.superres.gpu.samples import Samples
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.network import EngineResources
from pipeline.system.cuda import GpuFacts

BYTES_PER_PIXEL = 1000


class FakeGpu:
    """Stands in for `Gpu`.

    Attributes:
        device: A stand-in for the device.
        facts: Its identification.
        free_memory: Free memory that it reports.
        memory: Contents of the open buffers by address.
        lock: Held while a stream executes work.
        decoder: The default stream, on which NVDEC and other libraries work.
    """

    def __init__(self, ordinal: int = 0) -> None:
        self.device = SimpleNamespace(name="fake", device_id=ordinal)
        self.facts = GpuFacts(name="fake", capability="8.6", driver="1", memory=2**34, uuid="GPU-1")
        self.free_memory = 10**9
        self.memory: dict[int, np.ndarray] = {}
        self.lock = threading.RLock()
        self._addresses = count(2**20, 2**20)
        self.decoder = FakeStream(self)

    @property
    def open_buffers(self) -> int:
        """Number of buffers that are not freed."""
        return len(self.memory)

    def make_current(self) -> None: ...

    def ensure_current(self) -> None: ...

    def stream(self) -> "FakeStream":
        return FakeStream(self)

    def event(self, timed: bool = False) -> "FakeEvent":
        return FakeEvent()

    def decoded_event(self) -> "FakeEvent":
        event = FakeEvent()
        self.decoder.record(event)
        return event

    def allocate(self, size: int, stream: Any) -> "FakeBuffer":
        return FakeBuffer(self, size)

    def allocate_for_export(self, size: int, stream: Any) -> "FakeBuffer":
        return FakeBuffer(self, size)

    def copy_plane(self, stream: "FakeStream", to: DevicePlane, plane: DevicePlane, rows: int) -> None:
        def copy() -> None:
            for row in range(rows):
                source = self.bytes_at(plane.address + row * plane.pitch)
                np.copyto(self.bytes_at(to.address + row * to.pitch)[: to.pitch], source[: to.pitch])

        stream.do(copy)

    def delay_default_stream(self, event: "FakeEvent") -> None:
        self.decoder.wait(event)

    def bytes_at(self, address: int) -> np.ndarray:
        """The open memory from an address to the end of its buffer."""
        start = max(start for start in self.memory if start <= address)
        assert address < start + self.memory[start].size, "the memory is freed, or another's"
        return self.memory[start][address - start :]

    def pinned(self, size: int) -> Any:
        buffer = FakeBuffer(self, size)
        return SimpleNamespace(buffer=buffer, array=buffer.array, close=buffer.close)

    def new_address(self) -> int:
        return next(self._addresses)


class FakeBuffer:
    """Memory of a FakeGpu. After `close` its content is garbage."""

    def __init__(self, gpu: FakeGpu, size: int) -> None:
        self._gpu = gpu
        self.handle = gpu.new_address()
        self.array = gpu.memory[self.handle] = np.zeros(size, np.uint8)

    def copy_from(self, other: "FakeBuffer", stream: "FakeStream") -> None:
        stream.do(lambda: np.copyto(self.array, other.array))

    def copy_to(self, other: "FakeBuffer", stream: "FakeStream") -> None:
        other.copy_from(self, stream)

    def close(self, stream: Any = None) -> None:
        self.array.fill(0xEE)  # whatever still reads it gives a wrong frame
        del self._gpu.memory[self.handle]


class FakeEvent:
    """Completes when its stream has executed the work queued before it was recorded."""

    def __init__(self) -> None:
        self.complete: Callable[[], None] = lambda: None

    def sync(self) -> None:
        self.complete()

    @property
    def is_done(self) -> bool:
        return False


class FakeStream:
    """Executes queued work when it is waited for."""

    def __init__(self, gpu: FakeGpu) -> None:
        self._lock = gpu.lock
        self._work: deque[Callable[[], None]] = deque()
        self._queued = self._done = 0

    def do(self, work: Callable[[], None]) -> None:
        with self._lock:
            self._work.append(work)
            self._queued += 1

    def record(self, event: FakeEvent) -> None:
        with self._lock:
            until = self._queued
            event.complete = lambda: self._execute(until)

    def wait(self, event: FakeEvent) -> None:
        self.do(event.complete)

    def sync(self) -> None:
        self._execute(self._queued)

    def _execute(self, until: int) -> None:
        with self._lock:
            while self._done < until:
                self._done += 1
                self._work.popleft()()


class FakeNetwork:
    """Stands in for `Network`. A context needs 1000 bytes a pixel.

    Attributes:
        loaded: Sizes of the networks that were loaded, as (width, height).
        closed: Sizes of those that were closed.
        fails_above: Number of pixels above which loading runs out of memory.
    """

    loaded: ClassVar[list[tuple[int, int]]] = []
    closed: ClassVar[list[tuple[int, int]]] = []
    fails_above: ClassVar[int] = 10**9

    def __init__(self, resources: EngineResources, height: int, width: int, shapes: Shapes | None = None) -> None:
        self._size = width, height
        self.loaded.append(self._size)
        if width * height > self.fails_above:
            raise OutOfMemory("no memory, says this test")
        self.model = resources.model
        self.context_bytes = BYTES_PER_PIXEL * width * height
        self.has_fixed_size = True
        self.interleaved = False
        self.title = "TensorRT-RTX 0"

    def save_runtime_cache(self) -> None: ...

    def close(self) -> None:
        self.closed.append(self._size)


class FakePasses:
    """Stands in for `Passes`. Inverts samples by way of the lane's tensor: two frames that meet there spoil each other.

    Attributes:
        calls: Numbers of the calls of `queue`.
        runs_out_at: Numbers of the calls that run out of memory half-way.
        fails_at: Numbers of the calls that fail half-way.
    """

    calls: ClassVar[list[int]] = []
    runs_out_at: ClassVar[set[int]] = set()
    fails_at: ClassVar[set[int]] = set()

    def __init__(self, gpu: FakeGpu, network: Any, tiling: Any, conversions: Any) -> None:
        self.stream = gpu.stream()
        self._gpu = gpu
        self._tensor = np.empty(0, np.uint8)
        self._buffer = gpu.allocate(1, self.stream)

    def queue(self, samples: Samples, output: int, mark: Callable[[str], None] | None = None) -> None:
        memory = self._gpu.memory
        planes = dict.fromkeys((samples.luma, samples.u))  # chroma of a packed frame has no buffer of its own
        self.stream.do(lambda: self._invert(np.concatenate([memory[plane] for plane in planes if plane in memory])))
        self.calls.append(len(self.calls))
        if self.calls[-1] in self.runs_out_at:
            raise OutOfMemory("no memory, says this test")
        if self.calls[-1] in self.fails_at:
            raise BackendError("broken, says this test")
        threading.Event().wait(0.0001)  # another thread may come between, if the lock is missing
        self.stream.do(lambda: np.copyto(memory[output], self._tensor))

    def queue_network(self) -> None: ...

    def close(self) -> None:
        self.stream.sync()
        self._buffer.close()

    def _invert(self, samples: np.ndarray) -> None:
        self._tensor = ~samples


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    """A fake GPU in the place of the machine's."""
    fake = FakeGpu()
    for name in ("loaded", "closed"):
        monkeypatch.setattr(FakeNetwork, name, [])
    monkeypatch.setattr(FakeNetwork, "fails_above", 10**9)
    monkeypatch.setattr(FakePasses, "calls", [])
    monkeypatch.setattr(FakePasses, "runs_out_at", set())
    monkeypatch.setattr(FakePasses, "fails_at", set())
    monkeypatch.setattr(memory_fallback, "open_network", lambda resources, engine, *size: FakeNetwork(resources, *size))
    monkeypatch.setattr(memory_fallback, "Passes", FakePasses)
    monkeypatch.setattr(compute, "Gpu", lambda device: fake)
    library = SimpleNamespace(name="rtx", title="TensorRT-RTX", version="0")
    monkeypatch.setattr(compute, "load_if_installed", lambda name: library)
    monkeypatch.setattr(compute, "conversion_kernels", lambda *arguments: None)
    return fake
