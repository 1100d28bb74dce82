"""What can run a network on the CPU backend: ONNX Runtime with one of its providers, or OpenVINO. One row each."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from numpy.typing import NDArray

from pipeline.errors import BackendError
from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.cpu.onnx_runtime import OnnxRuntimeNetwork
from pipeline.superres.cpu.openvino import OpenVinoNetwork
from pipeline.system.onnx_runtime import load_onnx_runtime


class RunRequest(Protocol):
    """Runs a loaded network for one session. Called from one thread at a time, except `abort`."""

    def run(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Run the network on a contiguous `tensor`, (1, C, H, W). Returns an output in memory of its own."""

    def abort(self) -> None:
        """Let the current run, if there is one, and all later ones fail. Called from any thread."""


class LoadedNetwork(Protocol):
    """A network that a runtime has loaded. One run at a time."""

    def request(self) -> RunRequest:
        """Create a request for one session."""


@dataclass(frozen=True)
class CpuRuntime:
    """A runtime of networks.

    Attributes:
        name: Name in the setting `engine`.
        title: Name for people.
        load: Loads a model for images of a size, (H, W), with a number of threads, 0 for one per core. It raises
            whatever the runtime raises, which has no common parent.
        install: The command that installs it.
        provider: ONNX Runtime's name of the execution provider; "" for a runtime that is a package of its own.
        package: The Python package whose version its speed depends on, if it is not ONNX Runtime.
        any_size: Whether a loaded model runs images of any size; otherwise those of the size that it was loaded for.
    """

    name: str
    title: str
    load: Callable[[ModelSpec, HeightWidth, int], LoadedNetwork]
    install: str
    provider: str = ""
    package: str = ""
    any_size: bool = False

    @property
    def is_installed(self) -> bool:
        """True if the runtime is installed, whether it works or not."""
        if self.provider:
            return self.provider in load_onnx_runtime().get_available_providers()
        return importlib.util.find_spec(self.package) is not None

    @property
    def version(self) -> str:
        """Version of the installed runtime."""
        return importlib.metadata.version(self.package) if self.package else str(load_onnx_runtime().__version__)

    def __str__(self) -> str:
        return f"{self.title} {self.version}"


ONNX_RUNTIME = CpuRuntime(
    name="onnxruntime",
    title="ONNX Runtime",
    load=partial(OnnxRuntimeNetwork, provider="CPUExecutionProvider"),
    install="pip install onnxruntime",
    provider="CPUExecutionProvider",
    any_size=True,
)
"""The runtime that is always installed, and that the outputs of the others are compared with."""

RUNTIMES = (
    ONNX_RUNTIME,
    CpuRuntime(
        name="openvino",
        title="OpenVINO",
        load=OpenVinoNetwork,
        install="pip install 'uprez[openvino]'",
        package="openvino",
    ),
    CpuRuntime(
        name="coreml",
        title="CoreML in ONNX Runtime",
        load=partial(
            OnnxRuntimeNetwork, provider="CoreMLExecutionProvider", provider_options={"ModelFormat": "MLProgram"}
        ),
        install="pip install onnxruntime, on macOS",
        provider="CoreMLExecutionProvider",
    ),
    CpuRuntime(
        name="directml",
        title="DirectML in ONNX Runtime",
        load=partial(OnnxRuntimeNetwork, provider="DmlExecutionProvider", memory_pattern=False),
        install="pip uninstall onnxruntime, then pip install onnxruntime-directml, on Windows",
        provider="DmlExecutionProvider",
    ),
    CpuRuntime(
        name="migraphx",
        title="MIGraphX in ONNX Runtime",
        load=partial(OnnxRuntimeNetwork, provider="MIGraphXExecutionProvider"),
        install="pip uninstall onnxruntime, then pip install onnxruntime-migraphx, on Linux with ROCm",
        provider="MIGraphXExecutionProvider",
    ),
)
"""The known runtimes. Those that can be chosen are installed, fast, and agree with the first."""


def installed_runtimes() -> list[CpuRuntime]:
    """The installed runtimes; the first is ONNX_RUNTIME."""
    return [runtime for runtime in RUNTIMES if runtime.is_installed]


def requested_runtime(engine: str) -> CpuRuntime | None:
    """The runtime that the setting `engine` names; None if it names none of the CPU backend.

    Raises:
        BackendError: It is not installed. The message names the command to install it.
    """
    runtime = next((runtime for runtime in RUNTIMES if runtime.name == engine), None)
    if runtime and not runtime.is_installed:
        raise BackendError(f"`engine` {engine} can't be used, {runtime.title} is not installed: {runtime.install}")
    return runtime
