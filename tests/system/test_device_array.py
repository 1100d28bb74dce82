"""Arrays that are shared through DLPack, without a GPU: devices, layouts and errors. tests/gpu has real ones."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.system.device_array import DeviceImage, gpu_of, read_device_array

pytest.importorskip("cuda.core", reason="pip install 'uprez[cuda]'")


def on_device(kind: int, number: int) -> Any:
    return SimpleNamespace(__dlpack__=None, __dlpack_device__=lambda: (kind, number))


def image() -> DeviceImage:
    buffer: Any = SimpleNamespace(handle=4096)
    return DeviceImage(buffer, (3, 16, 24), np.dtype(np.uint8), device=1)


@pytest.mark.parametrize(
    ("array", "gpu"),
    [
        (on_device(2, 0), 0),
        (on_device(2, 3), 3),
        (on_device(13, 1), 1),
        (on_device(1, 0), None),
        (on_device(3, 0), None),
        (np.zeros(3), None),
        ([1, 2], None),
    ],
)
def test_the_gpu_of_an_array_is_that_of_its_memory(array: object, gpu: int | None) -> None:
    assert gpu_of(array) == gpu


@pytest.mark.parametrize("part", [np.s_[:], np.s_[:, ::2], np.s_[:, 1:, :5], np.s_[0], np.s_[..., ::-1]])
def test_a_shared_array_has_the_address_shape_strides_and_type_of_its_owner(part: Any) -> None:
    array = np.zeros((4, 6, 8), np.uint16)[part]

    class Strided:
        """Passes the stream that the protocol has for arrays in main memory: none."""

        def __dlpack__(self, stream: int | None = None, **options: Any) -> object:
            assert stream == 1
            return array.__dlpack__(**options)

        def __dlpack_device__(self) -> tuple[int, int]:
            return 1, 0

    shared = read_device_array(Strided())
    assert (shared.address, shared.shape, shared.dtype) == (array.ctypes.data, array.shape, array.dtype)
    assert shared.strides == tuple(stride // 2 for stride in array.strides)


def test_an_array_that_can_not_be_shared_raises_a_buffer_error() -> None:
    array = np.zeros((3, 4), np.uint8)
    array.flags.writeable = False

    class Refusing:
        def __dlpack__(self, **options: Any) -> object:
            raise BufferError("not today")

        def __dlpack_device__(self) -> tuple[int, int]:
            return 1, 0

    with pytest.raises(BufferError, match="not today"):
        read_device_array(Refusing())


def test_an_image_on_the_gpu_names_its_device_and_shape() -> None:
    assert image().__dlpack_device__() == (2, 1)
    assert repr(image()) == "DeviceImage(shape=(3, 16, 24), dtype=uint8, device=1)"
    assert image().address == 4096


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dl_device": (1, 0)}, r"the image is on device \(2, 1\), \(1, 0\) was requested"),
        ({"copy": True}, "the image is shared without a copy"),
    ],
)
def test_an_image_on_the_gpu_is_neither_moved_nor_copied(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BufferError, match=message):
        image().__dlpack__(**options)
