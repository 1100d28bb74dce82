"""vs-mlrt, the plugins for VapourSynth that run networks: BestSource decodes, zimg converts, the plugin upscales.

The clip goes to the network as RGB in its own precision and back to 8 bit 4:2:0, as scripts have it. Two streams keep
the GPU filled; VapourSynth's own threads do the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import av
import numpy as np
import vapoursynth as vs

from pipeline.errors import BackendError
from pipeline.superres.gpu.tensorrt import library
from upscalers.case import Case
from upscalers.engine import engine

_STREAMS = 2


class VapourSynth:
    """The case's clip through `model`, a function from a clip of RGB to the larger clip."""

    threaded = True

    def __init__(self, case: Case, about: str, model: Callable[[Any], Any]) -> None:
        self.about = f"VapourSynth R{vs.core.version_number()}, {about}, {vs.core.num_threads} threads"
        format = vs.RGBH if case.model.dtype == np.float16 else vs.RGBS
        source = vs.core.bs.VideoSource(str(case.clip), showprogress=False, cachemode=0)
        source.std.SetVideoCache(mode=0)
        endless = source.std.Loop()  # before the model: behind it, finished frames would come from VapourSynth's cache
        large = model(endless.resize.Bicubic(format=format))
        self._result = large.resize.Bicubic(format=vs.YUV420P8, matrix=vs.MATRIX_BT709)

    def pictures(self) -> Generator[Any, None, None]:
        yield from self._result.frames(close=False)

    def frame(self, picture: Any) -> av.VideoFrame:
        packed = np.concatenate([np.asarray(plane).ravel() for plane in picture])
        return av.VideoFrame.from_ndarray(packed.reshape(-1, picture.width), format="yuv420p")


def ort(case: Case) -> VapourSynth:
    plugin = _plugin("ort")
    provider = {"cuda": "CUDA", "cpu": "CPU"}[case.device]

    def model(rgb: Any) -> Any:
        half = {"output_format": 1} if case.model.dtype == np.float16 else {}
        path = str(case.model.path)
        return plugin.Model(rgb, path, provider=provider, num_streams=_STREAMS, cudnn_benchmark=True, **half)

    told = plugin.Version()
    return VapourSynth(case, f"vs-mlrt {told['version']}, ONNX Runtime {told['onnxruntime_version']}", model)


def trt_rtx(case: Case) -> VapourSynth:
    return _tensorrt(case, "trt_rtx", "rtx")


def trt(case: Case) -> VapourSynth:
    return _tensorrt(case, "trt", "tensorrt")


def _tensorrt(case: Case, namespace: str, name: str) -> VapourSynth:
    plugin, found = _plugin(namespace), library.load(name)
    path = case.folder / "network.engine"
    path.write_bytes(engine(found, case))
    told = plugin.Version()
    about = f"vs-mlrt {told['version']} made for TensorRT {told['tensorrt_version_build']}, on {found.version}"
    return VapourSynth(case, about, lambda rgb: plugin.Model(rgb, str(path), num_streams=_STREAMS))


def _plugin(namespace: str) -> Any:
    if not hasattr(vs.core, namespace):
        raise BackendError(f"VapourSynth has no plugin {namespace!r} that loads; what it wrote to its log says why")
    return getattr(vs.core, namespace)
