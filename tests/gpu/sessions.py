"""How tests open sessions on the GPU, and upscale frames with several in flight."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.frame import Frame, FrameFormat
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.compute import Compute, ComputeOptions
from pipeline.superres.gpu.session import TensorRtSession
from pipeline.superres.gpu.tensorrt import library
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.session import Session

Planes = list[np.ndarray]


def open_gpu_session(
    model: ModelSpec,
    source: FrameFormat,
    output: FrameFormat | None = None,
    options: ComputeOptions | None = None,
    slots: int = 10,
    strength: float = 1.0,
) -> TensorRtSession:
    """Open a session that shares nothing; TensorRT computes, unless `options` state otherwise."""
    options = replace(options or tensorrt(), strength=strength)
    return TensorRtSession(Compute(model, source, output, options), slots)


def tensorrt(**options: Any) -> ComputeOptions:
    """Options with which TensorRT computes."""
    return ComputeOptions(engine=next(iter(library.installed()), "rtx"), **options)


def with_cache(cache: EngineCache) -> ComputeOptions:
    """Options for TensorRT engines from `cache`."""
    return tensorrt(cache=cache)


def upscale_frames(session: Session[Any], frames: Iterable[Frame], in_flight: int = 1) -> list[Planes]:
    """Upscale `frames`, `in_flight` of them at once, and return copies of the planes of each."""
    tickets: deque[Any] = deque()
    outputs: list[Planes] = []

    def collect() -> None:
        upscaled = session.collect(tickets.popleft())
        outputs.append([plane.copy() for plane in upscaled.planes])
        upscaled.release()

    for frame in frames:
        if len(tickets) == in_flight:
            collect()
        tickets.append(session.submit(frame))
    while tickets:
        collect()
    return outputs
