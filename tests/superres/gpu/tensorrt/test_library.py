"""The TensorRT libraries."""

from types import SimpleNamespace

import pytest

from pipeline.errors import BackendError
from pipeline.superres.gpu.tensorrt import library


def test_a_library_that_is_not_installed_is_refused_with_the_command_to_install_it() -> None:
    if "tensorrt" in library.installed():
        pytest.skip("TensorRT is installed")
    with pytest.raises(BackendError, match=r"tensorrt is not installed: pip install 'uprez\[tensorrt\]'"):
        library.load("tensorrt")


def test_an_unknown_library_is_refused() -> None:
    with pytest.raises(
        BackendError, match="`engine` x: unknown; allowed are auto, fused, fused-fp16acc, rtx and tensorrt"
    ):
        library.load("x")


def test_none_is_loaded_where_none_is_installed_and_none_was_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "installed", list)
    assert library.load_if_installed("auto") is None
    assert library.load_if_installed("fused") is None
    with pytest.raises(BackendError, match=r"tensorrt_rtx is not installed: pip install 'uprez\[rtx\]'"):
        library.load_if_installed("rtx")


@pytest.mark.parametrize(
    ("message", "lacks_memory"),
    [
        ("Error Code 2: OutOfMemory (Requested size was 123 bytes.)", True),
        ("cuda error 2", True),
        ("CUDA error: out of memory", True),
        ("Cuda error 209 no kernel image is available", False),
        ("an illegal memory access was encountered", False),
    ],
)
def test_a_lack_of_memory_is_recognized_by_the_last_error(message: str, lacks_memory: bool) -> None:
    logger = SimpleNamespace(messages=[message])
    assert library.TensorRtLibrary("rtx", None, logger).lacks_memory is lacks_memory
