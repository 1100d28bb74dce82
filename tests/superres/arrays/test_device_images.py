"""Images in the memory of a fake GPU, whose streams execute queued work as late as CUDA allows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import pipeline
from pipeline.config.settings import Settings
from pipeline.errors import InputError
from pipeline.models import catalogue
from pipeline.superres.arrays import device_images
from pipeline.superres.arrays.device_images import DeviceImages
from pipeline.superres.arrays.upscaler import Upscaler
from pipeline.superres.sessions import SessionRequest, open_session
from pipeline.system.device_array import DeviceArray, DeviceImage
from tests.images import random_image
from tests.superres.fake_gpu import FakeBuffer, FakeGpu, FakeNetwork


@dataclass
class FakeTensor:
    """An array of another library on the fake GPU.

    Attributes:
        buffer: Its memory.
        array: A view of the memory.
        device: Number of the GPU.
    """

    buffer: FakeBuffer
    array: np.ndarray
    device: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.device

    def __dlpack__(self, **options: Any) -> object:
        raise BufferError("not shared, says this test")


def tensor(gpu: FakeGpu, content: np.ndarray, padding: int = 0) -> FakeTensor:
    """A tensor, whose rows are followed by some samples that are not part of it."""
    padded = np.pad(content, [(0, 0)] * (content.ndim - 1) + [(0, padding)], constant_values=77)
    buffer = FakeBuffer(gpu, padded.nbytes)
    array = buffer.array.view(content.dtype).reshape(padded.shape)
    array[:] = padded
    return FakeTensor(buffer, array[..., : content.shape[-1]])


def share(array: FakeTensor) -> DeviceArray:
    """Stands in for the sharing by DLPack."""
    strides = tuple(stride // array.array.itemsize for stride in array.array.strides)
    return DeviceArray(int(array.buffer.handle), array.array.shape, strides, array.array.dtype, array)


def content(gpu: FakeGpu, image: DeviceImage) -> np.ndarray:
    """What a consumer reads, without waiting for any stream."""
    return gpu.memory[image.address].view(image.dtype).reshape(image.shape).copy()


@pytest.fixture(autouse=True)
def _shared_without_dlpack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_images, "read_device_array", share)


@pytest.fixture
def upscaler(open_on_gpu: Callable[..., Upscaler]) -> Upscaler:
    """An upscaler with three slots on the fake GPU, where the identity inverts its samples."""
    return open_on_gpu()


SHAPES = [(16, 24), (3, 16, 24), (4, 16, 24), (2, 3, 16, 24), (1, 4, 16, 24), (7, 3, 5, 3), (3, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("padding", [0, 9])
def test_an_array_on_the_gpu_is_upscaled_there(
    gpu: FakeGpu, upscaler: Upscaler, shape: tuple[int, ...], dtype: Any, padding: int
) -> None:
    image = random_image(shape, dtype)
    result = upscaler(tensor(gpu, image, padding))
    assert isinstance(result, pipeline.DeviceImage)
    assert (result.shape, result.dtype, result.__dlpack_device__()) == (shape, dtype, (2, 0))
    np.testing.assert_array_equal(content(gpu, result), ~image)


def test_no_host_memory_is_allocated_for_arrays_on_the_gpu(
    gpu: FakeGpu, upscaler: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "pinned", lambda size: pytest.fail("host memory was allocated"))
    upscaler(tensor(gpu, random_image((3, 16, 24))))


def test_results_of_a_stream_are_in_order_and_remain_valid(gpu: FakeGpu, upscaler: Upscaler) -> None:
    images = [random_image((3, 16, 24), seed=seed) for seed in range(12)]
    results = list(upscaler.stream(tensor(gpu, image) for image in images))
    for image, result in zip(images, results, strict=True):
        np.testing.assert_array_equal(content(gpu, result), ~image)


def test_an_array_is_read_after_the_work_that_its_library_queued(gpu: FakeGpu, upscaler: Upscaler) -> None:
    image = random_image((3, 16, 24))
    array = tensor(gpu, np.zeros_like(image))
    gpu.decoder.do(lambda: np.copyto(array.array, image))
    np.testing.assert_array_equal(content(gpu, upscaler(array)), ~image)


def test_an_array_may_be_written_to_on_the_default_stream_after_it_was_submitted(gpu: FakeGpu) -> None:
    image = random_image((16, 24))
    array = tensor(gpu, image)
    images = DeviceImages(gpu, "rgb")  # type: ignore[arg-type]
    _, (frame,) = images.read(array)
    request = SessionRequest(
        "tensorrt", catalogue.find("identity", np.float16), frame.format, Settings(), on_device=True
    )
    with open_session(request) as session:
        ticket = session.submit(frame)
        gpu.decoder.do(lambda: array.array.fill(0))
        gpu.decoder.sync()
        upscaled = session.collect(ticket)
        result = images.allocate((16, 24), frame.format)
        images.write(upscaled, result)
        upscaled.release()
    np.testing.assert_array_equal(content(gpu, result), ~image)


def test_arrays_on_host_and_gpu_may_alternate(gpu: FakeGpu, upscaler: Upscaler) -> None:
    image = random_image((16, 24, 3))
    first = upscaler(image)
    second = upscaler(tensor(gpu, np.ascontiguousarray(image.transpose(2, 0, 1))))
    np.testing.assert_array_equal(first, ~image)
    np.testing.assert_array_equal(content(gpu, second).transpose(1, 2, 0), ~image)
    assert FakeNetwork.loaded == [(24, 16)]


def test_all_memory_but_the_results_is_freed(gpu: FakeGpu, upscaler: Upscaler) -> None:
    array = tensor(gpu, random_image((3, 16, 24)))
    upscaler(array)
    upscaler(random_image((16, 24, 3)))
    upscaler.close()
    assert gpu.open_buffers == 2


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            random_image((16, 24, 3)),
            r"has the shape \(16, 24, 3\); \(H, W\), \(3, H, W\) and \(4, H, W\) are supported",
        ),
        (random_image((1, 1, 3, 4, 5)), r"has the shape \(1, 1, 3, 4, 5\);"),
        (random_image((2, 1, 4, 5)), r"has the shape \(2, 1, 4, 5\);"),
        (np.zeros((3, 4, 5), np.float32), r"the image is of float32; uint8"),
        (np.zeros((3, 0, 5), np.uint8), "the image is 5x0; it should have a pixel at least"),
        (np.zeros((0, 3, 4, 5), np.uint8), "a batch should have an image"),
    ],
)
def test_other_arrays_on_the_gpu_are_refused(gpu: FakeGpu, upscaler: Upscaler, array: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        upscaler(tensor(gpu, array))


def test_rows_that_are_not_contiguous_are_refused_with_what_to_do(gpu: FakeGpu, upscaler: Upscaler) -> None:
    array = tensor(gpu, random_image((16, 24, 3)))
    array.array = array.array.transpose(2, 0, 1)
    with pytest.raises(InputError, match=r"rows .* are not contiguous .* pass a contiguous copy"):
        upscaler(array)


def test_an_array_that_its_library_does_not_share_is_refused(
    gpu: FakeGpu, upscaler: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_images, "read_device_array", lambda array: array.__dlpack__())
    with pytest.raises(InputError, match="the array on the GPU can't be shared: not shared, says this test"):
        upscaler(tensor(gpu, random_image((3, 16, 24))))


def test_an_array_on_another_gpu_is_refused(gpu: FakeGpu, upscaler: Upscaler) -> None:
    array = tensor(gpu, random_image((3, 16, 24)))
    array.device = 1
    with pytest.raises(InputError, match="the array is on GPU 1, `device` is 0"):
        upscaler(array)


def test_an_array_on_the_gpu_is_refused_by_an_upscaler_on_the_cpu(gpu: FakeGpu) -> None:
    message = "the array is in GPU memory, and `backend` onnx is the CPU"
    with Upscaler("identity", backend="onnx") as upscaler, pytest.raises(InputError, match=message):
        upscaler(tensor(gpu, random_image((3, 16, 24))))
