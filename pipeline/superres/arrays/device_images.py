"""Images in GPU memory, channels first as PyTorch has them, from and to the planes of a frame on that GPU."""

from __future__ import annotations

import threading
from typing import Any

from pipeline.errors import InputError
from pipeline.frame import DevicePlane, Frame, FrameFormat
from pipeline.superres.arrays.host_images import ORDERS, image_format
from pipeline.system.cuda import Gpu, gpu_errors
from pipeline.system.device_array import DeviceArray, DeviceImage, read_device_array

_SHAPES = "(H, W), (3, H, W) and (4, H, W) are supported, and batches of the last two"
_READING, _WRITING = gpu_errors("sharing an array"), gpu_errors("copying an upscaled image")


class DeviceImages:
    """Reads images of other libraries on one GPU, and writes upscaled ones for them.

    Attributes:
        gpu: The GPU.
    """

    def __init__(self, gpu: Gpu, order: str) -> None:
        """Create a stream.

        Args:
            gpu: The GPU.
            order: Order of the images' channels.
        """
        self.gpu = gpu
        self._order = ORDERS[order]
        self._stream = gpu.stream()
        self._writing = threading.Lock()

    def read(self, array: object) -> tuple[tuple[int, ...], list[Frame]]:
        """The shape of an array, and its images as frames that share its memory: one, or those of a batch.

        Args:
            array: (H, W), (C, H, W) or (N, C, H, W), of uint8 or uint16; each row of samples is contiguous.

        Raises:
            InputError: It has another shape, type or layout, or can't be shared.
        """
        self.gpu.make_current()
        with _READING:
            try:
                shared = read_device_array(array)
            except (BufferError, TypeError, NotImplementedError) as error:
                raise InputError(f"the array on the GPU can't be shared: {error}") from error
        channels = 1 if len(shared.shape) == 2 else shared.shape[-3] if len(shared.shape) in (3, 4) else 0
        if channels not in ((1,) if len(shared.shape) == 2 else (3, 4)):
            raise InputError(f"the array on the GPU has the shape {shared.shape}; {_SHAPES}")
        *_, height, width = shared.shape
        format = image_format(height, width, channels, shared.dtype)
        if shared.strides[-1] != 1 and width > 1:
            raise InputError(
                f"the rows of the array on the GPU are not contiguous (strides {shared.strides} for the shape "
                f"{shared.shape}): pass a contiguous copy, such as tensor.contiguous()"
            )
        images = range(shared.shape[0] if len(shared.shape) == 4 else 1)
        return shared.shape, [self._frame(shared, format, channels, image) for image in images]

    def allocate(self, shape: tuple[int, ...], format: FrameFormat) -> DeviceImage:
        """Memory for upscaled images, which is freed when nothing shares it any more.

        Args:
            shape: (H, W), (C, H, W) or (N, C, H, W).
            format: Format of the upscaled frames.

        Raises:
            OutOfMemory: There is not enough memory.
        """
        self.gpu.make_current()
        count = shape[0] if len(shape) == 4 else 1
        with self._writing:
            buffer = self.gpu.allocate_for_export(max(count * format.bytes, 1), self._stream)
        return DeviceImage(buffer, shape, format.pixel.dtype, self.gpu.device.device_id)

    def write(self, frame: Frame, to: DeviceImage, image: int = 0) -> None:
        """Copy an upscaled frame within the GPU, and wait for that.

        Args:
            frame: With planes in GPU memory.
            to: From `allocate`.
            image: Number of the image within the batch.
        """
        self.gpu.ensure_current()
        address = to.address + image * frame.format.bytes
        with self._writing, _WRITING:
            targets = frame.format.device_planes(address)  # all of one size
            for index, (plane, (rows, _)) in enumerate(
                zip(frame.device_planes, frame.format.plane_shapes, strict=True)
            ):
                target = targets[self._channel(index, len(targets))]
                self.gpu.copy_plane(self._stream, target, plane, rows)
            self._stream.sync()

    def _frame(self, shared: DeviceArray, format: FrameFormat, channels: int, image: int) -> Frame:
        """One image of an array."""
        size = shared.dtype.itemsize
        strides = (0, 0, *shared.strides)[-4:-1]  # of images, channels and rows; 0 for an axis that does not exist
        addresses = [
            shared.address + (image * strides[0] + self._channel(index, channels) * strides[1]) * size
            for index in range(channels)
        ]
        planes = tuple(DevicePlane(address, strides[2] * size) for address in addresses)
        return Frame(format, (), pts=0, release=_Reference(shared).release, device_planes=planes)

    def _channel(self, plane: int, channels: int) -> int:
        """The channel of an image that is a plane of its frame."""
        return self._order[plane] if channels > 1 else 0


class _Reference:
    """Keeps an array until it is released."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def release(self) -> None:
        """Drop the array."""
        self._array = None
