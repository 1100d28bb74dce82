"""Starts `uprez live` as a process, with a model that takes no time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.servers import Uprez

CHEAP = ("--model", "identity", "--backend", "onnx", "--preset", "ultrafast", "--poll", "0.1")

Start = Callable[..., Uprez]


@pytest.fixture
def live() -> Iterator[Start]:
    """Starts `uprez live ARGUMENTS`; it is ended with the test."""
    with ExitStack() as stack:

        def start(*arguments: object, **named: Any) -> Uprez:
            return stack.enter_context(Uprez(*arguments, *CHEAP, **named))

        yield start
