"""Arrays in GPU memory that are exchanged with other libraries through DLPack, without a copy.

The protocol is described at https://dmlc.github.io/dlpack/latest/python_spec.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cuda.core import Buffer

_CUDA, _CUDA_MANAGED = 2, 13  # DLPack's codes of devices
_LEGACY_DEFAULT_STREAM = 1  # DLPack's code of CUDA's legacy default stream


@dataclass(frozen=True)
class DeviceArray:
    """An array of another library in GPU memory.

    Attributes:
        address: The address of its first element.
        shape: Its shape.
        strides: The distance between neighbours along each axis, in elements.
        dtype: The type of an element.
        owner: Keeps the memory allocated.
    """

    address: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]
    owner: object


class DeviceImage:
    """An upscaled image, or a batch of them, in GPU memory, which libraries with DLPack share without a copy.

        tensor = torch.from_dlpack(image)      # or cupy.from_dlpack(image)

    The image is complete: no stream has to wait for it. Its memory is freed after the last array that shares it, in the
    order of CUDA's legacy default stream, which PyTorch and CuPy use by default. A program that reads it on another
    stream keeps the array until that work has ended.

    Attributes:
        shape: (H, W) for gray, (C, H, W) for 3 or 4 channels, with N before that for a batch.
        dtype: uint8 or uint16.
        device: The number of the GPU.
    """

    def __init__(self, buffer: Buffer, shape: tuple[int, ...], dtype: np.dtype[Any], device: int) -> None:
        self.shape = shape
        self.dtype = dtype
        self.device = device
        self._buffer = buffer

    @property
    def address(self) -> int:
        """The address of the first sample, in the device's primary CUDA context. There is no padding."""
        return int(self._buffer.handle)

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object:
        """A DLPack capsule that shares the memory. Raises BufferError for another device, or if a copy is requested."""
        from cuda.core.utils import StridedMemoryView

        if dl_device not in (None, self.__dlpack_device__()):
            raise BufferError(f"the image is on device {self.__dlpack_device__()}, {dl_device} was requested")
        if copy:
            raise BufferError("the image is shared without a copy; copy the array that shares it")
        view = StridedMemoryView.from_buffer(self._buffer, self.shape, dtype=self.dtype)
        return view.__dlpack__(stream=-1, max_version=max_version)  # the image is complete: nothing waits for it

    def __dlpack_device__(self) -> tuple[int, int]:
        """DLPack's code of CUDA, and the number of the GPU."""
        return _CUDA, self.device

    def __repr__(self) -> str:
        return f"DeviceImage(shape={self.shape}, dtype={self.dtype}, device={self.device})"


def gpu_of(array: object) -> int | None:
    """The number of the GPU whose memory an array is in; None if it is elsewhere or has no DLPack."""
    if not (hasattr(array, "__dlpack__") and hasattr(array, "__dlpack_device__")):
        return None
    kind, number = array.__dlpack_device__()
    return int(number) if int(kind) in (_CUDA, _CUDA_MANAGED) else None


def read_device_array(array: object) -> DeviceArray:
    """Share the memory of an array on a GPU.

    The work that its library has queued on it is waited for by CUDA's legacy default stream.

    Args:
        array: An object with `__dlpack__`.

    Raises:
        BufferError, TypeError, NotImplementedError: Its library can't share it, or has an element type of its own.
    """
    from cuda.core.utils import StridedMemoryView

    view = StridedMemoryView.from_dlpack(array, stream_ptr=_LEGACY_DEFAULT_STREAM)
    shape = tuple(view.shape)
    dtype = np.dtype(view.dtype)
    return DeviceArray(int(view.ptr), shape, view.strides or _contiguous_strides(shape), dtype, view)


def _contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides, in elements, of an array without padding."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
