"""Runtimes that compute with ONNX Runtime, and take as long as a test says, by a clock of their own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from numpy.typing import NDArray

from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.cpu import runtimes
from pipeline.superres.cpu.onnx_runtime import OnnxRuntimeNetwork, OnnxRuntimeRequest
from pipeline.superres.cpu.runtimes import CpuRuntime

Spoil = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass
class FakeRuntimes:
    """The fakes of one test.

    Attributes:
        now: Time of the clock, in seconds.
        loaded: Names of the runtimes and sizes, in the order in which networks were loaded.
        runs: The number of runs.
    """

    monkeypatch: pytest.MonkeyPatch
    now: float = 0.0
    loaded: list[tuple[str, HeightWidth]] = field(default_factory=list)
    runs: int = 0

    def install(self, *rows: CpuRuntime) -> None:
        """Let these be all the runtimes, the first being the one that the others are compared with."""
        self.monkeypatch.setattr(runtimes, "RUNTIMES", rows)
        for module in ("runtimes", "runtime_choice", "network"):
            self.monkeypatch.setattr(f"pipeline.superres.cpu.{module}.ONNX_RUNTIME", rows[0])
        self.monkeypatch.setattr("time.perf_counter", lambda: self.now)

    def runtime(
        self, name: str, seconds: float, spoil: Spoil = lambda output: output, any_size: bool = False
    ) -> CpuRuntime:
        """A runtime whose runs take `seconds` and whose output is spoiled."""

        def load(model: ModelSpec, size: HeightWidth, threads: int) -> "_Network":
            self.loaded.append((name, size))
            return _Network(self, OnnxRuntimeNetwork(model, size, threads, "CPUExecutionProvider"), seconds, spoil)

        return CpuRuntime(name, name.title(), load, f"pip install {name}", "CPUExecutionProvider", any_size=any_size)

    def broken(self, name: str, error: Exception) -> CpuRuntime:
        """A runtime that can't load networks."""

        def load(model: ModelSpec, size: HeightWidth, threads: int) -> "_Network":
            raise error

        return CpuRuntime(name, name.title(), load, f"pip install {name}", "CPUExecutionProvider")


@dataclass
class _Network:
    fakes: FakeRuntimes
    network: OnnxRuntimeNetwork
    seconds: float
    spoil: Spoil

    def request(self) -> "_Request":
        return _Request(self, self.network.request())


@dataclass
class _Request:
    network: _Network
    request: OnnxRuntimeRequest

    def run(self, tensor: NDArray[Any]) -> NDArray[Any]:
        self.network.fakes.now += self.network.seconds
        self.network.fakes.runs += 1
        return self.network.spoil(self.request.run(tensor))

    def abort(self) -> None:
        self.request.abort()
