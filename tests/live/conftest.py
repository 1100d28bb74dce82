"""Starts `uprez live` as a process, with a model that takes no time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from pipeline.live import scene_runner, service
from tests.servers import Uprez
from tests.waiting import DEADLINE

CHEAP = ("--model", "identity", "--backend", "onnx", "--preset", "ultrafast", "--poll", "0.1")

Start = Callable[..., Uprez]


@pytest.fixture(autouse=True)
def _patient_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives streams of this process the time to end in order on a machine under load."""
    monkeypatch.setattr(service, "STOP_SECONDS", DEADLINE)
    monkeypatch.setattr(scene_runner, "CLOSE_SECONDS", DEADLINE)


@pytest.fixture
def live() -> Iterator[Start]:
    """Starts `uprez live ARGUMENTS`; it is ended with the test."""
    with ExitStack() as stack:

        def start(*arguments: object, **named: Any) -> Uprez:
            return stack.enter_context(Uprez(*arguments, *CHEAP, **named))

        yield start
