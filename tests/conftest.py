"""Fixtures of all tests: a private cache, real clips if there are any, and a check that no thread is left running."""

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from tests import clips

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # for tests that import ONNX Runtime themselves
# Timing never decides a test: neither that of an example nor that of drawing one.
_UNTIMED = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("few", _UNTIMED, max_examples=30)
hypothesis.settings.register_profile("many", _UNTIMED, max_examples=200)  # of `make test-long`
hypothesis.settings.load_profile("few")


def pytest_collection_finish() -> None:
    """Excludes from garbage collection what collecting made, which tests that collect would traverse each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")  # before the fixtures of modules, some of which open models
def _private_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The cache and the data folder of the user who runs the tests are neither read nor written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UPREZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        patch.setenv("UPREZ_DATA", str(tmp_path_factory.getbasetemp() / "data"))
        yield


@pytest.fixture
def private_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data folder, with the models that are added, is the test's own, and empty."""
    monkeypatch.setenv("UPREZ_DATA", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def _ordinary_scheduling() -> Iterator[None]:
    """Undoes what SVT-AV1 does if a test opens it without `open_context`: the thread becomes real-time (SCHED_FIFO).

    The threads and processes of the following tests would leave no time to any other process of the machine.
    """
    yield
    if sys.platform == "linux" and os.sched_getscheduler(0) != os.SCHED_OTHER:
        for thread in os.listdir("/proc/self/task"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(int(thread), os.SCHED_OTHER, os.sched_param(0))


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before and thread.name.startswith("uprez")]
    assert not left, f"threads left running: {left}"


@pytest.fixture(scope="session")
def media() -> Path:
    """A folder of real footage, named by UPREZ_TEST_MEDIA; tests that need it are skipped without it."""
    folder = Path(os.environ.get("UPREZ_TEST_MEDIA", ""))
    if not os.environ.get("UPREZ_TEST_MEDIA") or not folder.is_dir():
        pytest.skip("no real footage: set UPREZ_TEST_MEDIA to a folder that contains it")
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twelve frames of 64x48 with B-frames, audio and a title."""
    return clips.make(tmp_path / "clip.mp4")


@pytest.fixture
def small_format() -> FrameFormat:
    return FrameFormat(32, 16, PIXEL_FORMATS["yuv420p"], Colour(1, False))


@pytest.fixture
def frame(small_format: FrameFormat) -> Frame:
    packed = np.random.default_rng(1).integers(0, 256, small_format.bytes, np.uint8)
    return Frame(small_format, small_format.split(packed), pts=7, duration=1)
