"""vs-mlrt, the plugins for VapourSynth that run networks: BestSource decodes, zimg converts, the plugin upscales.

The clip is converted to RGB in the network's precision and back to 8-bit 4:2:0, as in usual scripts. Two streams keep
the GPU busy; VapourSynth's own threads do the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import av
import numpy as np
import vapoursynth as vs

from pipeline import BackendError
from upscalers.case import Case
from upscalers.engine import engine

_STREAMS = 2


class VapourSynth:
    """Upscales the case's clip by `model`, a function from an RGB clip to the larger clip."""

    threaded = True

    def __init__(self, case: Case, about: str, model: Callable[[Any], Any]) -> None:
        self.about = f"VapourSynth R{vs.core.version_number()}, {about}, {vs.core.num_threads} threads"
        format = vs.RGBH if case.model.dtype == np.float16 else vs.RGBS
        source = vs.core.bs.VideoSource(str(case.clip), showprogress=False, cachemode=0)
        source.std.SetVideoCache(mode=0)
        endless = source.std.Loop()  # before the model: after it, frames would come from VapourSynth's cache
        large = model(endless.resize.Bicubic(format=format))
        self._result = large.resize.Bicubic(format=vs.YUV420P8, matrix=vs.MATRIX_BT709)

    def frames(self) -> Generator[Any, None, None]:
        yield from self._result.frames(close=False)

    def to_av_frame(self, frame: Any) -> av.VideoFrame:
        packed = np.concatenate([np.asarray(plane).ravel() for plane in frame])
        return av.VideoFrame.from_ndarray(packed.reshape(-1, frame.width), format="yuv420p")


def ort(case: Case) -> VapourSynth:
    plugin = _plugin("ort")
    provider = {"cuda": "CUDA", "cpu": "CPU"}[case.device]

    def model(rgb: Any) -> Any:
        half = {"output_format": 1} if case.model.dtype == np.float16 else {}
        path = str(case.model.path)
        return plugin.Model(rgb, path, provider=provider, num_streams=_STREAMS, cudnn_benchmark=True, **half)

    version = plugin.Version()
    about = f"vs-mlrt {version['version']}, ONNX Runtime {version['onnxruntime_version']}"
    return VapourSynth(case, about, model)


def trt_rtx(case: Case) -> VapourSynth:
    return _tensorrt(case, "trt_rtx", "rtx")


def trt(case: Case) -> VapourSynth:
    return _tensorrt(case, "trt", "tensorrt")


def _tensorrt(case: Case, namespace: str, name: str) -> VapourSynth:
    plugin, built = _plugin(namespace), engine(case, name)
    path = case.folder / "network.engine"
    path.write_bytes(built.data)
    version = plugin.Version()
    about = f"vs-mlrt {version['version']} for TensorRT {version['tensorrt_version_build']}, on {built.version}"
    return VapourSynth(case, about, lambda rgb: plugin.Model(rgb, str(path), num_streams=_STREAMS))


def _plugin(namespace: str) -> Any:
    if not hasattr(vs.core, namespace):
        raise BackendError(f"VapourSynth has no working plugin {namespace!r}; its log has the reason")
    return getattr(vs.core, namespace)
