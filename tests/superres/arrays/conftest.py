"""Upscalers on the CPU and on a fake GPU, and the sessions that they open."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from typing import Any

import pytest

from pipeline.superres.arrays import image_jobs
from pipeline.superres.arrays.upscaler import Upscaler
from pipeline.superres.gpu.tensorrt import library
from pipeline.superres.session import Session
from pipeline.superres.sessions import SessionRequest, SharedSessions
from pipeline.system import cuda
from tests.superres.fake_gpu import FakeGpu
from tests.superres.fake_gpu import gpu as gpu


@pytest.fixture
def open_on_gpu(gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Upscaler]]:
    """Opens an upscaler with three slots on the fake GPU, where the identity inverts its samples."""
    monkeypatch.setattr(cuda, "unavailable_reason", lambda: None)
    monkeypatch.setattr(cuda, "preserve_context", nullcontext)
    monkeypatch.setattr(library, "installed", lambda: ["rtx"])
    monkeypatch.setattr(image_jobs, "Gpu", lambda device: gpu)
    with ExitStack() as opened:

        def open_upscaler(**settings: Any) -> Upscaler:
            return opened.enter_context(Upscaler("identity", **({"slots": 3} | settings)))

        yield open_upscaler


@pytest.fixture
def upscaler() -> Iterator[Upscaler]:
    """An upscaler on the CPU with a small network, which enlarges by 2."""
    with Upscaler("srvgg-4x1", backend="onnx") as upscaler:
        yield upscaler


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Session[Any]]:
    """The sessions that are opened."""
    sessions: list[Session[Any]] = []
    original = SharedSessions.open

    def record(shared: SharedSessions, request: SessionRequest) -> Session[Any]:
        sessions.append(original(shared, request))
        return sessions[-1]

    monkeypatch.setattr(SharedSessions, "open", record)
    return sessions
