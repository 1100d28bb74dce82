"""The TensorRT libraries."""

from collections import deque
from types import SimpleNamespace
from typing import Any

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


@pytest.mark.parametrize("version", ["8.6.1", "10.12.0.36"])
@pytest.mark.parametrize("step", ["create_builder", "create_runtime"])
def test_tensorrt_before_10_13_is_refused(version: str, step: str) -> None:
    old = library.TensorRtLibrary("tensorrt", SimpleNamespace(__version__=version), None)
    with pytest.raises(BackendError, match=rf"tensorrt {version} is too old, 10\.13 or later works: pip install"):
        getattr(old, step)()


def without_gpu(error: str) -> library.TensorRtLibrary:
    """A TensorRT without a usable GPU: its runtime logs `error`, and its builder fails as pybind11 does."""

    def create_runtime(logger: Any) -> str:
        logger.log("error", error)
        logger.log("error", "[checkMacros.cpp::catchCudaError::229] Error Code 1: Cuda Runtime")
        return "an object around a null pointer"

    def create_builder(logger: Any) -> None:
        logger.log("info", "createInferBuilder: looking for a GPU")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    levels = {"ERROR": "error", "INTERNAL_ERROR": "internal error"}
    module = SimpleNamespace(
        __version__="10.16.1", ILogger=type("ILogger", (), levels), Runtime=create_runtime, Builder=create_builder
    )
    return library.with_logger("tensorrt", module)


def test_a_runtime_that_can_not_use_the_gpu_is_refused_with_the_logged_error() -> None:
    loaded = without_gpu("createInferRuntime: Error Code 6: API Usage Error (CUDA initialization failure)")
    with pytest.raises(BackendError, match=r"TensorRT 10\.16\.1 can't use the GPU: createInferRuntime: .*driver"):
        loaded.create_runtime()


def test_a_builder_that_can_not_use_the_gpu_is_refused() -> None:
    with pytest.raises(BackendError, match=r"TensorRT 10\.16\.1 can't use the GPU: TensorRT gave no reason: update"):
        without_gpu("").create_builder()


def test_a_lean_runtime_is_refused_where_an_engine_must_be_built() -> None:
    lean = library.TensorRtLibrary(
        "tensorrt", SimpleNamespace(__version__="10.16.1"), SimpleNamespace(messages=deque())
    )
    with pytest.raises(BackendError, match=r"10\.16\.1 is a lean runtime, which can't build engines: pip install"):
        lean.create_builder()


def test_an_error_that_is_not_of_the_runtime_itself_does_not_refuse_it() -> None:
    assert without_gpu("deserializeCudaEngine: Error Code 1: of a session in another thread").create_runtime()


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
