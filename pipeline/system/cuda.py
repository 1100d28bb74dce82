"""The GPU as the project sees it: found or not and why, opened, its memory and events.

cuda-core does the work and raises its own errors; `Gpu` maps them where a user can act on them.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import BackendError, OutOfMemory, UprezError

if TYPE_CHECKING:
    from cuda.core import Buffer, Device, Event, Stream

    from pipeline.frame import DevicePlane, Plane

INSTALL = "pip install 'uprez[rtx]'"
_DRIVER_FILE = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class GpuFacts:
    """A GPU as it is named in tables and engine keys.

    capability: such as "9.0". driver: its version, such as "580.159.04", where the system tells, else of its CUDA.
    memory: in bytes. uuid: of this very card.
    """

    name: str
    capability: str
    driver: str
    memory: int
    uuid: str


def problem() -> str | None:
    """Why no NVIDIA GPU can be used here, with the command that mends it; None if one can."""
    try:
        from cuda.bindings import driver
        from cuda.core import Device  # noqa: F401 (absence is what is asked)
    except ImportError:
        return f"cuda-core and cuda-bindings are not installed: {INSTALL}"
    try:
        (status,) = driver.cuInit(0)
        failed, count = driver.cuDeviceGetCount()
    except Exception:  # the bindings raise RuntimeError or SystemError where libcuda.so.1 is missing
        return "no NVIDIA driver (libcuda.so.1): install the driver of your GPU"
    if status != driver.CUresult.CUDA_SUCCESS or failed != driver.CUresult.CUDA_SUCCESS or count == 0:
        return f"no NVIDIA GPU that CUDA can use ({status.name})"
    return None


def count() -> int:
    """How many GPUs CUDA can use here; 0 where `problem` has a reason."""
    if problem():
        return 0
    from cuda.bindings import driver

    return int(_checked(driver.cuDeviceGetCount()))


def facts(ordinal: int) -> GpuFacts:
    """What GPU `ordinal` is. Opens nothing on it."""
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
    """The version of the NVIDIA driver, from Linux's /proc; None elsewhere."""
    try:
        told = _DRIVER_FILE.read_text()
    except OSError:
        return None
    found = re.search(r"Kernel Module[^\n]*?\s(\d+(?:\.\d+)+)\s", told)
    return found[1] if found else None


def _checked(result: tuple[Any, ...]) -> Any:
    """The value of a call of cuda.bindings, which returns (status, value). Raises BackendError."""
    status, value = result
    if int(status) != 0:
        raise BackendError(f"CUDA failed ({status.name}): run `uprez doctor`")
    return value


class Gpu:
    """One GPU, opened in its primary context, which waits without burning a core.

    Threads that use several, and those other than the opener's, call `use` before they turn to it.
    """

    _current = threading.local()  # which GPU a thread turned to last

    def __init__(self, ordinal: int) -> None:
        if reason := problem():
            raise BackendError(reason)
        from cuda.bindings import driver
        from cuda.core import Device, LegacyPinnedMemoryResource

        if ordinal >= count():
            raise BackendError(f"--device {ordinal}: this machine has {count()} GPUs, numbered from 0")
        # FFmpeg's NVDEC shares this context only if it was made with this flag, before its first use. Where the host
        # program came first with another, this changes nothing, and nothing else depends on it.
        driver.cuDevicePrimaryCtxSetFlags(ordinal, driver.CUctx_flags.CU_CTX_SCHED_BLOCKING_SYNC)
        self.device: Device = Device(ordinal)
        self.facts = facts(ordinal)
        self._pinned = LegacyPinnedMemoryResource()
        self.use()

    def use(self) -> None:
        """Make this GPU current in the calling thread."""
        self.device.set_current()
        self._current.gpu = self.device.device_id

    def use_again(self) -> None:
        """The same, for threads of our own, where nobody else changes it: to ask CUDA takes as long as a launch."""
        if getattr(self._current, "gpu", None) != self.device.device_id:
            self.use()

    @property
    def free(self) -> int:
        """Bytes of its memory that nobody uses."""
        from cuda.bindings import driver

        self.use()
        status, free, _ = driver.cuMemGetInfo()
        return int(_checked((status, free)))

    def stream(self) -> Stream:
        return self.device.create_stream()

    def event(self, timed: bool = False) -> Event:
        """An event that a thread can wait for while another one runs."""
        from cuda.core import EventOptions

        return self.device.create_event(EventOptions(blocking_sync=True, timing_enabled=timed))

    def allocate(self, size: int, stream: Stream) -> Buffer:
        """`size` bytes of device memory, ready when this returns."""
        with _allocating("GPU", size):
            buffer = self.device.allocate(size, stream=stream)
        stream.sync()
        return buffer

    def pinned(self, size: int) -> Pinned:
        """`size` bytes of page-locked host memory, which copies to and from without holding up a thread."""
        with _allocating("page-locked", size):
            return Pinned(self._pinned.allocate(size))

    def copy_plane(self, stream: Stream, to: int, to_pitch: int, plane: DevicePlane, row_bytes: int, rows: int) -> None:
        """Queue a copy of `rows` of `row_bytes` each, within the GPU."""
        from cuda.bindings import driver

        copy = driver.CUDA_MEMCPY2D()
        copy.srcMemoryType = copy.dstMemoryType = driver.CUmemorytype.CU_MEMORYTYPE_DEVICE
        copy.srcDevice, copy.srcPitch = plane.address, plane.pitch
        copy.dstDevice, copy.dstPitch = to, to_pitch
        copy.WidthInBytes, copy.Height = row_bytes, rows
        _checked((*driver.cuMemcpy2DAsync(copy, int(stream.handle)), None))

    def after_decoding(self, stream: Stream) -> None:
        """Let `stream` wait for what NVDEC has queued, which it does on CUDA's default stream."""
        from cuda.core import LEGACY_DEFAULT_STREAM

        stream.wait(LEGACY_DEFAULT_STREAM)


class Pinned:
    """Page-locked host memory. array: its bytes, (size,) uint8."""

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        # Not through DLPack: NumPy would pass on that this is CUDA's memory, which PyAV refuses to wrap.
        self.array: Plane = np.frombuffer((ctypes.c_uint8 * buffer.size).from_address(int(buffer.handle)), np.uint8)

    def close(self) -> None:
        self.buffer.close()


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Raise BackendError, saying `what` went wrong, for whatever cuda-core raises inside."""
    try:
        yield
    except UprezError:
        raise
    except Exception as error:  # cuda-core's errors have no common parent
        raise BackendError(f"the GPU failed, {what}: {error}") from error


@contextmanager
def _allocating(kind: str, size: int) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # cuda-core's errors have no common parent
        full = isinstance(error, MemoryError) or "OUT_OF_MEMORY" in str(error)
        problem = f"no room for {size / 2**20:.0f} MiB of {kind} memory: {error}; --slots 3 needs less"
        raise (OutOfMemory if full else BackendError)(problem) from error
