"""The two TensorRT libraries, `tensorrt_rtx` and `tensorrt`, which share one Python API."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import re
from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipeline.errors import BackendError

MODULES = {"rtx": "tensorrt_rtx", "tensorrt": "tensorrt"}
INSTALL_COMMANDS = {"rtx": "pip install 'uprez[rtx]'", "tensorrt": "pip install 'uprez[tensorrt]'"}
OLDEST_TENSORRT = 10, 13  # of "tensorrt": its first two numbers

ANY_LIBRARY = ("auto", "fused", "fused-fp16acc")  # settings of `engine` for which any library will do
_NO_MEMORY = re.compile(r"out of memory|outofmemory|cuda error 2\b", re.IGNORECASE)


@dataclass(frozen=True)
class TensorRtLibrary:
    """An imported TensorRT library.

    Attributes:
        name: "rtx" or "tensorrt".
        trt: The Python module.
        logger: The logger of the process, which keeps the last errors in `logger.messages`.
    """

    name: str
    trt: Any
    logger: Any

    @property
    def title(self) -> str:
        """The product name, for tables."""
        return "TensorRT-RTX" if self.name == "rtx" else "TensorRT"

    @property
    def version(self) -> str:
        """Version of the library."""
        return str(self.trt.__version__)

    @property
    def lacks_memory(self) -> bool:
        """True if the last error was a lack of memory."""
        return bool(_NO_MEMORY.search(self.last_error()))

    def last_error(self) -> str:
        """The last error that TensorRT logged, in one line."""
        return self.logger.messages[-1] if self.logger.messages else "TensorRT gave no reason"

    def create_builder(self) -> Any:
        """Create a builder.

        Raises:
            BackendError: It can't use the GPU (that of TensorRT-RTX needs none), or this is a lean runtime without one.
        """
        self._check_version()
        if not hasattr(self.trt, "Builder"):
            command = INSTALL_COMMANDS[self.name]
            raise BackendError(f"{self.title} {self.version} is a lean runtime, which can't build engines: {command}")
        self.logger.messages.clear()
        try:
            return self.trt.Builder(self.logger)
        except TypeError as error:  # what pybind11 raises for a null pointer
            raise self._unusable() from error

    def create_runtime(self) -> Any:
        """Create a runtime. Raises BackendError if it can't use the GPU.

        TensorRT 10 and 11 then return an object around a null pointer, and the process crashes where that is used or
        freed. Nothing but the logged error distinguishes it.
        """
        self._check_version()
        self.logger.messages.clear()
        runtime = self.trt.Runtime(self.logger)
        if any("createInferRuntime" in message for message in self.logger.messages):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(runtime))  # so that it is never freed
            raise self._unusable()
        return runtime

    def _check_version(self) -> None:
        """Raise BackendError if this is a TensorRT that lacks functions which engines need."""
        if self.name == "tensorrt" and tuple(map(int, re.findall(r"\d+", self.version)[:2])) < OLDEST_TENSORRT:
            oldest = ".".join(map(str, OLDEST_TENSORRT))
            raise BackendError(
                f"tensorrt {self.version} is too old, {oldest} or later works: {INSTALL_COMMANDS['tensorrt']}"
            )

    def _unusable(self) -> BackendError:
        reason = next(iter(self.logger.messages), self.last_error())
        return BackendError(
            f"{self.title} {self.version} can't use the GPU: {reason}: update the NVIDIA driver, or install the "
            "package for its version of CUDA (it has cu12 or cu13 in its name)"
        )


def installed() -> list[str]:
    """Names of the installed libraries, in order of preference."""
    return [name for name, module in MODULES.items() if importlib.util.find_spec(module)]


def load(name: str = "auto") -> TensorRtLibrary:
    """Import a TensorRT library.

    Args:
        name: "rtx" or "tensorrt"; a setting of `engine` that chooses none, for the first that is installed.

    Raises:
        BackendError: The library is not installed or does not load. The message names the command to install it.
    """
    found = installed()
    if name in ANY_LIBRARY:
        if not found:
            raise BackendError(f"TensorRT is not installed: {INSTALL_COMMANDS['rtx']}")
        name = found[0]
    if name not in MODULES:
        raise BackendError(f"`engine` {name}: unknown; allowed are {', '.join(ANY_LIBRARY)}, {' and '.join(MODULES)}")
    if name not in found:
        raise BackendError(f"{MODULES[name]} is not installed: {INSTALL_COMMANDS[name]}")
    return _import(name)


def load_if_installed(name: str) -> TensorRtLibrary | None:
    """As `load`, but None if `name` chooses none and none is installed."""
    return load(name) if installed() or name not in ANY_LIBRARY else None


@cache
def _import(name: str) -> TensorRtLibrary:
    try:
        trt = importlib.import_module(MODULES[name])
    except (ImportError, OSError) as error:
        raise BackendError(f"{MODULES[name]} is installed but does not load: {error}") from error
    return with_logger(name, trt)


def with_logger(name: str, trt: Any) -> TensorRtLibrary:
    """Return the library of an imported module, with a new logger.

    Args:
        name: "rtx" or "tensorrt".
        trt: `tensorrt_rtx`, `tensorrt`, or a module with the same API.
    """

    class Logger(trt.ILogger):  # type: ignore[misc]  # the module is known at run time only
        def __init__(self) -> None:
            super().__init__()
            self.messages: deque[str] = deque(maxlen=8)

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.messages.append(message.strip().partition("\n")[0])

    return TensorRtLibrary(name, trt, Logger())
