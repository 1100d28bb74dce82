"""A backend's name → a Session that stands, alone; shared.py opens several."""

from __future__ import annotations

from typing import Any

from pipeline.config.settings import Upscaling
from pipeline.flow.telemetry import Trace
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.session import Session
from pipeline.superres.shared import SharedSessions


def open_session(
    backend: str,
    model: ModelSpec,
    source: FrameFormat,
    settings: Upscaling,
    result: FrameFormat | None = None,
    trace: Trace | None = None,
) -> Session[Any]:
    """A session of `model` for frames of `source`, giving frames of `result`; see `SharedSessions.open`."""
    return SharedSessions().open(backend, model, source, settings, result, trace)
