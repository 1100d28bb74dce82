"""One place that knows all sessions: a backend's name → a Session that stands."""

from __future__ import annotations

from typing import Any

from pipeline.frame import FrameFormat, PixelFormat
from pipeline.models.spec import ModelSpec
from pipeline.settings import Settings
from pipeline.superres.session import Session


def open_session(
    backend: str, model: ModelSpec, source: FrameFormat, settings: Settings, pixel: PixelFormat | None = None
) -> Session[Any]:
    """A session of `model` for frames of `source`, giving frames of `pixel`; "tensorrt" or "onnx"."""
    if backend == "tensorrt":
        from pipeline.superres.tensorrt import TensorRtSession

        return TensorRtSession(
            model,
            source,
            pixel,
            device=settings.device,
            flavour=settings.engine,
            slots=settings.slots,
            contexts=settings.contexts,
        )
    from pipeline.superres.onnx_cpu import OnnxCpuSession

    return OnnxCpuSession(model, source, pixel, threads=settings.threads)
