"""Preparation of a GPU in the background: libraries that are slow to import, and CUDA's contexts."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Iterator

from pipeline.config.settings import Upscaling
from pipeline.errors import UprezError


@contextlib.contextmanager
def preloaded(settings: Upscaling) -> Iterator[None]:
    """Inside, a thread imports and initialises what a session by `settings` will need, if that is one on a GPU.

    CUDA takes some tenths of a second for it, in which it holds no Python lock: time in which the caller can import
    other libraries, look at the source and plan. Nothing depends on it. What fails here fails again where it is needed,
    and is reported there. At the end, the thread has ended.
    """
    thread = threading.Thread(target=_preload, args=(settings,), name="uprez-preload", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _preload(settings: Upscaling) -> None:
    if settings.backend == "onnx":
        return
    from pipeline.superres.backend_choice import choose_backend
    from pipeline.superres.gpu.tensorrt.library import MODULES, installed
    from pipeline.system.cuda import Gpu

    with contextlib.suppress(UprezError, ImportError, OSError):
        if choose_backend(settings)[0] != "tensorrt":
            return
        for ordinal in settings.device:
            Gpu(ordinal)
        name = installed()[0] if settings.engine == "auto" else settings.engine
        importlib.import_module(MODULES[name])
        importlib.import_module("pipeline.superres.gpu.session")
