"""TensorRT under one name: `tensorrt_rtx` or `tensorrt`, which share their Python API."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipeline.errors import BackendError

MODULES = {"rtx": "tensorrt_rtx", "tensorrt": "tensorrt"}
INSTALL = {"rtx": "pip install 'uprez[rtx]'", "tensorrt": "pip install 'uprez[tensorrt]'"}

_NO_MEMORY = re.compile(r"out of memory|outofmemory|cuda error 2\b", re.IGNORECASE)


@dataclass(frozen=True)
class TensorRtLibrary:
    """A TensorRT that was found. trt: its module. logger: the process's one logger, which keeps the last complaints."""

    name: str
    trt: Any
    logger: Any

    @property
    def version(self) -> str:
        return str(self.trt.__version__)

    @property
    def lacks_memory(self) -> bool:
        """Whether the last complaint was about memory."""
        return bool(_NO_MEMORY.search(self.complaint()))

    def complaint(self) -> str:
        """The last thing TensorRT had to complain about, in one line."""
        return self.logger.complaints[-1] if self.logger.complaints else "TensorRT gave no reason"


def installed() -> list[str]:
    """The names of the flavours that are here, in order of preference."""
    return [name for name, module in MODULES.items() if importlib.util.find_spec(module)]


def load(name: str = "auto") -> TensorRtLibrary:
    """The flavour called `name`, or the first that is installed. Raises BackendError with the command to install it."""
    found = installed()
    if name == "auto":
        if not found:
            raise BackendError(f"TensorRT is not installed: {INSTALL['rtx']}")
        name = found[0]
    if name not in MODULES:
        raise BackendError(f"no engine called {name!r}; there are {', '.join(MODULES)} and auto")
    if name not in found:
        raise BackendError(f"{MODULES[name]} is not installed: {INSTALL[name]}")
    return _loaded(name)


@cache
def _loaded(name: str) -> TensorRtLibrary:
    try:
        trt = importlib.import_module(MODULES[name])
    except (ImportError, OSError) as error:
        raise BackendError(f"{MODULES[name]} is installed but does not load: {error}") from error

    class Logger(trt.ILogger):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.complaints: deque[str] = deque(maxlen=8)

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.complaints.append(message.strip().splitlines()[0])

    return TensorRtLibrary(name, trt, Logger())
