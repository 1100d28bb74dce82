"""One place that knows all sessions: a backend's name → a Session that stands."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from pipeline import machine
from pipeline.frame import FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.settings import Settings
from pipeline.superres.session import Session
from pipeline.superres.tiling import Tiling, cuts
from pipeline.telemetry import Trace

_SHARE_OF_MEMORY = 0.5


def open_session(
    backend: str,
    model: ModelSpec,
    source: FrameFormat,
    settings: Settings,
    result: FrameFormat | None = None,
    trace: Trace | None = None,
) -> Session[Any]:
    """A session of `model` for frames of `source`, giving frames of `result`; "tensorrt" or "onnx".

    trace: where a GPU's copies and kernels are noted.
    """
    if backend == "tensorrt":
        return _on_gpus(model, source, settings, result, trace)
    from pipeline.superres.onnx_cpu import OnnxCpuSession

    return OnnxCpuSession(model, source, result, threads=settings.threads, tiling=_in_memory(model, source))


def _in_memory(model: ModelSpec, source: FrameFormat) -> Tiling:
    """The frame whole, or cut so that the network needs no more than half of the memory that is free."""
    room = machine.available_memory() * _SHARE_OF_MEMORY
    ways = list(cuts(model, source.width, source.height))
    fitting = (way for way in ways if model.working_bytes(way.tile_width, way.tile_height) <= room)
    return next(fitting, ways[-1])


def _on_gpus(
    model: ModelSpec, source: FrameFormat, settings: Settings, result: FrameFormat | None, trace: Trace | None
) -> Session[Any]:
    from pipeline.superres.several import SeveralSessions
    from pipeline.superres.tensorrt import TensorRtSession

    with ExitStack() as opened:
        sessions: list[Session[Any]] = [
            opened.enter_context(
                TensorRtSession(
                    model,
                    source,
                    result,
                    device=device,
                    flavour=settings.engine,
                    slots=settings.slots,
                    contexts=settings.contexts,
                    vram=settings.vram,
                    trace=trace,
                )
            )
            for device in settings.device
        ]
        opened.pop_all()
    return sessions[0] if len(sessions) == 1 else SeveralSessions(sessions)
