"""The frames to upscale that an image or a batch consists of, and where their results are written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.flow.closing import Closing
from pipeline.frame import Frame, FrameFormat
from pipeline.superres.arrays.device_images import DeviceImages
from pipeline.superres.arrays.host_images import Image, host_format, merge_image, split_image
from pipeline.superres.arrays.session_pool import FrameJob
from pipeline.system.cuda import Gpu
from pipeline.system.device_array import DeviceImage, gpu_of

_MERGING_THREADS = 4

Enlarge = Callable[[FrameFormat], FrameFormat]


@dataclass(frozen=True)
class BatchJobs:
    """The work on a batch.

    Attributes:
        result: The upscaled batch, complete when all jobs are done.
        jobs: One for each image, made when it is requested.
    """

    result: Any
    jobs: Iterable[FrameJob[None]]


class ImageJobs(Closing):
    """Makes jobs of images: NumPy arrays, frames, and arrays on the GPU. For any thread."""

    def __init__(self, enlarged: Enlarge, order: str, devices: tuple[int, ...]) -> None:
        """Start threads when they are needed.

        Args:
            enlarged: Returns the format of upscaled frames, given that of the source.
            order: Order of colour channels: "rgb" or "bgr".
            devices: Numbers of the GPUs that upscale; none for the CPU.
        """
        self._enlarged = enlarged
        self._order = order
        self._devices = devices
        self._merging = ThreadPoolExecutor(_MERGING_THREADS, "uprez-merging")
        self._opening = threading.Lock()
        self._device_images: DeviceImages | None = None

    def prepare(self, image: Any) -> FrameJob[Any] | BatchJobs:
        """The work on an image or a batch. Raises InputError if it is not supported."""
        if isinstance(image, np.ndarray):
            return self._host_batch(image) if image.ndim == 4 else self._host_image(image)
        if isinstance(image, Frame):
            return self._frame(image)
        if (gpu := gpu_of(image)) is not None:
            return self._device_array(image, gpu)
        if hasattr(image, "__dlpack__"):
            raise InputError(
                f"the {type(image).__name__} is not in the memory of an NVIDIA GPU: move it there, or pass a NumPy "
                "array (H, W, 3), such as tensor.permute(1, 2, 0).numpy()"
            )
        raise InputError(
            f"an image is a {type(image).__name__}; NumPy arrays, pipeline.Frame, and arrays on the GPU with DLPack "
            "are supported"
        )

    def prepare_one(self, image: Any) -> FrameJob[Any]:
        """The work on an image. Raises InputError if it is not supported, or a batch."""
        work = self.prepare(image)
        if isinstance(work, BatchJobs):
            raise InputError(
                f"an image of the stream has the shape {tuple(image.shape)}, as a batch has: pass its images one by one"
            )
        return work

    def close(self) -> None:
        """End the threads."""
        self._merging.shutdown()

    def _host_image(self, image: Image) -> FrameJob[Image]:
        format = host_format(image)
        frame = Frame(format, split_image(image, self._order), pts=0)
        output = self._enlarged(format)
        shape = (output.height, output.width, *image.shape[2:])
        return FrameJob(frame, False, lambda upscaled: self._merged(upscaled, np.empty(shape, image.dtype)))

    def _host_batch(self, images: Image) -> BatchJobs:
        count, height, width, channels = images.shape
        output = self._enlarged(host_format(np.empty((height, width, channels), images.dtype)))
        result = np.empty((count, output.height, output.width, channels), images.dtype)
        return BatchJobs(result, map(self._job_into, images, result))

    def _job_into(self, image: Image, to: Image) -> FrameJob[None]:
        job = self._host_image(image)

        def convert(upscaled: Frame) -> None:
            self._merged(upscaled, to)

        return FrameJob(job.frame, False, convert)

    def _merged(self, upscaled: Frame, to: Image) -> Image:
        merge_image(upscaled.planes, self._order, to, self._merging.map)
        return to

    def _frame(self, frame: Frame) -> FrameJob[Frame]:
        if frame.device_planes and not self._devices:
            raise InputError("the frame is in GPU memory, and `backend` onnx is the CPU: set `backend` to tensorrt")
        if frame.device_planes and not frame.format.pixel.interleaved:
            raise InputError(
                f"the frame is {frame.format} in GPU memory; NV12 and P010, as NVDEC decodes, are supported"
            )
        expected, found = len(frame.format.plane_shapes), len(frame.device_planes or frame.planes)
        if expected != found:
            raise InputError(f"the frame has {found} planes, {frame.format} has {expected}")
        return FrameJob(frame, False, _copied)

    def _device_array(self, array: Any, gpu: int) -> FrameJob[DeviceImage] | BatchJobs:
        images = self._images_on(gpu)
        (*outer, _, _), frames = images.read(array)
        if not frames:
            raise InputError(f"the array on the GPU has the shape {tuple(array.shape)}; a batch should have an image")
        output = self._enlarged(frames[0].format)
        shape = (*outer, output.height, output.width)
        if len(shape) < 4:
            return FrameJob(frames[0], True, partial(_exported, images, shape))
        result = images.allocate(shape, output)
        jobs = [
            FrameJob(frame, True, partial(images.write, to=result, image=number)) for number, frame in enumerate(frames)
        ]
        return BatchJobs(result, jobs)

    def _images_on(self, gpu: int) -> DeviceImages:
        """What reads and writes images on a GPU."""
        if not self._devices:
            raise InputError("the array is in GPU memory, and `backend` onnx is the CPU: pass a NumPy array instead")
        if self._devices != (gpu,):
            listed = ", ".join(map(str, self._devices))
            raise InputError(
                f"the array is on GPU {gpu}, `device` is {listed}: arrays stay on the one GPU that upscales"
            )
        with self._opening:
            if self._device_images is None:
                self._device_images = DeviceImages(Gpu(gpu), self._order)
            return self._device_images


def _copied(upscaled: Frame) -> Frame:
    return replace(upscaled, planes=tuple(plane.copy() for plane in upscaled.planes), release=_keep)


def _keep() -> None:
    """The release of a frame in memory of its own, which is freed with its arrays."""


def _exported(images: DeviceImages, shape: tuple[int, ...], upscaled: Frame) -> DeviceImage:
    result = images.allocate(shape, upscaled.format)
    images.write(upscaled, result)
    return result
