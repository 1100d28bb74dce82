"""CUDA devices: detection, memory, streams and events, on top of cuda-core.

Errors of cuda-core are mapped to BackendError and OutOfMemory where a user can act on them.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import BackendError, OutOfMemory, UprezError

if TYPE_CHECKING:
    from cuda.core import Buffer, Device, Event, Stream

    from pipeline.frame import DevicePlane, Plane

INSTALL_COMMAND = "pip install 'uprez[rtx]'"
_DRIVER_FILE = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class GpuFacts:
    """Identification of a GPU, for tables and engine keys.

    Attributes:
        name: Product name.
        capability: Compute capability, such as "9.0".
        driver: Version of the NVIDIA driver, such as "580.159.04"; where unknown, the CUDA version that it supports.
        memory: Total device memory in bytes.
        uuid: Identifier of this individual card.
    """

    name: str
    capability: str
    driver: str
    memory: int
    uuid: str

    @property
    def has_wgmma(self) -> bool:
        """True if the GPU has the instruction wgmma: those of compute capability 9.0, and no later ones (PTX ISA)."""
        return self.capability == "9.0"


def unavailable_reason() -> str | None:
    """Return the reason why CUDA can't be used, with the command that fixes it; None if a GPU is available."""
    try:
        from cuda.bindings import driver
        from cuda.core import Device  # noqa: F401 (imported to see whether it is installed)
    except ImportError:
        return f"cuda-core and cuda-bindings are not installed: {INSTALL_COMMAND}"
    try:
        (status,) = driver.cuInit(0)
        failed, count = driver.cuDeviceGetCount()
    except Exception:  # the bindings raise RuntimeError or SystemError where libcuda.so.1 is missing
        return "no NVIDIA driver (libcuda.so.1): install the driver of your GPU"
    if status != driver.CUresult.CUDA_SUCCESS or failed != driver.CUresult.CUDA_SUCCESS or count == 0:
        return f"no NVIDIA GPU that CUDA can use ({status.name})"
    return None


def count() -> int:
    """The number of GPUs that CUDA can use; 0 if CUDA is unavailable."""
    if unavailable_reason():
        return 0
    from cuda.bindings import driver

    return int(_checked(driver.cuDeviceGetCount()))


def gpu_facts(ordinal: int) -> GpuFacts:
    """Identify GPU `ordinal`, without creating a context on it."""
    from cuda.bindings import driver
    from cuda.core import Device

    device = Device(ordinal)
    cuda_version = _checked(driver.cuDriverGetVersion())
    return GpuFacts(
        name=device.name,
        capability=f"{device.compute_capability.major}.{device.compute_capability.minor}",
        driver=_driver_version() or f"CUDA {cuda_version // 1000}.{cuda_version % 1000 // 10}",
        memory=int(_checked(driver.cuDeviceTotalMem(ordinal))),
        uuid=device.uuid,
    )


def _driver_version() -> str | None:
    """The version of the NVIDIA driver, from Linux's /proc; None on other systems."""
    try:
        content = _DRIVER_FILE.read_text()
    except OSError:
        return None
    found = re.search(r"Kernel Module[^\n]*?\s(\d+(?:\.\d+)+)\s", content)
    return found[1] if found else None


def _checked(result: tuple[Any, ...]) -> Any:
    """Return the value of a cuda.bindings call, which is (status, value). Raises BackendError for a failure."""
    status, value = result
    if int(status) != 0:
        raise BackendError(f"CUDA failed ({status.name}): run `uprez doctor`")
    return value


class Gpu:
    """One GPU, opened in its primary context. Waits on its events sleep instead of spinning.

    CUDA keeps a current device per thread: a thread other than the one that created this object, and any thread that
    uses several GPUs, must call `make_current` or `ensure_current` first.

    Attributes:
        device: The cuda-core device.
        facts: Its identification.
    """

    _current = threading.local()  # the device that each thread made current last

    def __init__(self, ordinal: int) -> None:
        if reason := unavailable_reason():
            raise BackendError(reason)
        from cuda.bindings import driver
        from cuda.core import Device, LegacyPinnedMemoryResource

        if ordinal >= count():
            raise BackendError(f"`device` {ordinal}: this machine has {count()} GPUs, numbered from 0")
        # FFmpeg's NVDEC can share this context only if the flag was set before the context's first use. If the host
        # program already created the context with another flag, the call has no effect, and nothing else depends on it.
        driver.cuDevicePrimaryCtxSetFlags(ordinal, driver.CUctx_flags.CU_CTX_SCHED_BLOCKING_SYNC)
        self.device: Device = Device(ordinal)
        self.facts = gpu_facts(ordinal)
        self._pinned = LegacyPinnedMemoryResource()
        self.make_current()

    def make_current(self) -> None:
        """Make this GPU current in the calling thread."""
        self.device.set_current()
        self._current.gpu = self.device.device_id

    def ensure_current(self) -> None:
        """Make this GPU current in the calling thread, unless this class did so before.

        For threads in which nothing else changes the current device: asking CUDA takes as long as a kernel launch.
        """
        if getattr(self._current, "gpu", None) != self.device.device_id:
            self.make_current()

    @classmethod
    def forget_current(cls) -> None:
        """Let the next `ensure_current` of the calling thread make its GPU current, whatever was current last."""
        cls._current.gpu = None

    @property
    def free_memory(self) -> int:
        """Free device memory in bytes."""
        from cuda.bindings import driver

        self.make_current()
        status, free, _ = driver.cuMemGetInfo()
        return int(_checked((status, free)))

    def stream(self) -> Stream:
        """Create a stream."""
        return self.device.create_stream()

    def event(self, timed: bool = False) -> Event:
        """Create an event whose `sync` sleeps, so that other threads run meanwhile.

        Args:
            timed: Record timestamps too.
        """
        from cuda.core import EventOptions

        return self.device.create_event(EventOptions(blocking_sync=True, timing_enabled=timed))

    def allocate(self, size: int, stream: Stream) -> Buffer:
        """Allocate `size` bytes of device memory on `stream`, and wait until it can be used. Raises OutOfMemory."""
        with _allocation_errors("GPU", size):
            buffer = self.device.allocate(size, stream=stream)
        stream.sync()
        return buffer

    def allocate_for_export(self, size: int, stream: Stream) -> Buffer:
        """Allocate device memory that another library will use and free, at any time and in any thread.

        It is freed in the order of CUDA's legacy default stream, so that work that was queued there before can finish.

        Args:
            size: In bytes.
            stream: Stream on which the memory is written.

        Raises:
            OutOfMemory: There is not enough memory.
        """
        from cuda.core import LEGACY_DEFAULT_STREAM

        buffer = self.allocate(size, stream)
        buffer.set_deallocation_stream(LEGACY_DEFAULT_STREAM)
        return buffer

    def pinned(self, size: int) -> PinnedBuffer:
        """Allocate `size` bytes of page-locked host memory, for copies that don't block. Raises OutOfMemory."""
        with _allocation_errors("page-locked", size):
            return PinnedBuffer(self._pinned.allocate(size))

    def copy_plane(self, stream: Stream, to: DevicePlane, plane: DevicePlane, rows: int) -> None:
        """Queue the copy of a plane within the GPU.

        Args:
            stream: Stream to queue the copy on.
            to: Target plane, without padding: its pitch is the length of a row.
            plane: Source plane.
            rows: Number of rows.
        """
        from cuda.bindings import driver

        copy = driver.CUDA_MEMCPY2D()
        copy.srcMemoryType = copy.dstMemoryType = driver.CUmemorytype.CU_MEMORYTYPE_DEVICE
        copy.srcDevice, copy.srcPitch = plane.address, plane.pitch
        copy.dstDevice, copy.dstPitch = to.address, to.pitch
        copy.WidthInBytes, copy.Height = to.pitch, rows
        _checked((*driver.cuMemcpy2DAsync(copy, int(stream.handle)), None))

    def delay_default_stream(self, event: Event) -> None:
        """Let the work that is queued on CUDA's legacy default stream from now on wait for `event`."""
        from cuda.core import LEGACY_DEFAULT_STREAM

        LEGACY_DEFAULT_STREAM.wait(event)

    def decoded_event(self) -> Event:
        """An event that completes with what was queued so far on CUDA's legacy default stream, as NVDEC's work is."""
        from cuda.core import LEGACY_DEFAULT_STREAM

        self.ensure_current()
        event = self.event()
        LEGACY_DEFAULT_STREAM.record(event)
        return event


@contextmanager
def preserve_context() -> Iterator[None]:
    """Make the CUDA context current again, at the end, that the calling thread's program had made current."""
    from cuda.bindings import driver

    context = _checked(driver.cuCtxGetCurrent())
    try:
        yield
    finally:
        Gpu.forget_current()
        _checked((*driver.cuCtxSetCurrent(context), None))


class PinnedBuffer:
    """Page-locked host memory.

    Attributes:
        buffer: The cuda-core buffer.
        array: Its bytes as a NumPy array, (size,) uint8.
    """

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        # Not through DLPack: NumPy would export the array as CUDA memory again, which PyAV refuses to wrap.
        self.array: Plane = np.frombuffer((ctypes.c_uint8 * buffer.size).from_address(int(buffer.handle)), np.uint8)

    def close(self) -> None:
        """Free the memory."""
        self.buffer.close()


def gpu_errors(action: str) -> AbstractContextManager[None]:
    """Translate any error that cuda-core raises inside into BackendError. The object can be entered again and again.

    Args:
        action: Action inside, for the message, such as "submitting a frame".
    """
    return _GpuErrors(action)


class _GpuErrors(AbstractContextManager[None]):  # a class: every frame enters some, and generators are slow
    def __init__(self, action: str) -> None:
        self._action = action

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, UprezError):  # cuda-core's have no common parent
            raise BackendError(f"the GPU failed while {self._action}: {error}") from error


@contextmanager
def _allocation_errors(kind: str, size: int) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # cuda-core's errors have no common parent
        out_of_memory = isinstance(error, MemoryError) or "OUT_OF_MEMORY" in str(error)
        message = (
            f"can't allocate {size / 2**20:.0f} MiB of {kind} memory: {error}; fewer `slots`, 3 at least, need less"
        )
        raise (OutOfMemory if out_of_memory else BackendError)(message) from error
