"""Networks loaded on the CPU backend, for one session or for several that take turns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BackendError, MismatchError, error_summary
from pipeline.flow.blocking import Aborted
from pipeline.flow.fair_lock import FairLock, Gate
from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.cpu.runtimes import ONNX_RUNTIME, CpuRuntime, RunRequest

_ORIGIN = "Exception from "  # the line in which OpenVINO names its own source file


class CpuNetwork:
    """A loaded model. A run uses all of its threads, so runs follow one another.

    Attributes:
        model: The network.
        runtime: What runs it.
        backend: Description for tables.
    """

    def __init__(
        self,
        model: ModelSpec,
        size: HeightWidth,
        runtime: CpuRuntime = ONNX_RUNTIME,
        threads: int = 0,
        fair_lock: FairLock | None = None,
    ) -> None:
        """Load a model.

        Args:
            model: The network.
            size: (H, W) of the images to run, unless the runtime supports any.
            runtime: What runs it.
            threads: Threads of a run; 0 for one per core.
            fair_lock: Lock that the runs of this and of other networks acquire; None for a lock of its own.

        Raises:
            BackendError: The runtime can't load it.
        """
        self.model, self.runtime = model, runtime
        self._lock = fair_lock or FairLock()
        try:
            self._loaded = runtime.load(model, size, threads)
        except Exception as error:  # the runtimes' errors have no common parent
            raise BackendError(
                f"{runtime.title} can't load {model.name}: {error_summary(error, skipped=_ORIGIN)}"
            ) from error
        self.backend = f"{runtime} on the CPU"

    def runner(self) -> NetworkRunner:
        """Create a runner for one session."""
        return NetworkRunner(self, self._lock.gate(), self._loaded.request())

    def run(self, tensor: NDArray[Any], request: RunRequest) -> NDArray[Any]:
        """Run the network. The caller must have acquired the lock.

        Args:
            tensor: (1, C, H, W), contiguous, of the model's dtype.
            request: The session's request.

        Returns:
            (1, C, scale H, scale W), in memory of its own.

        Raises:
            MismatchError: The output has another shape.
        """
        model = self.model
        output = request.run(tensor)
        *_, height, width = tensor.shape
        expected = (1, model.channels, height * model.scale, width * model.scale)
        if output.shape != expected:
            raise MismatchError(f"{model.name} gave {output.shape} for {width}x{height}, {expected} was expected")
        return output

    def __str__(self) -> str:
        return str(self.model)


class NetworkRunner:
    """Runs a network for one session. Called from one thread at a time, except `abort`.

    Attributes:
        seconds: Duration of the last run, without the wait for the session's turn.
    """

    def __init__(self, network: CpuNetwork, gate: Gate, request: RunRequest) -> None:
        self._network: CpuNetwork | None = network
        self._gate = gate
        self._request: RunRequest | None = request
        self.seconds = 0.0

    def __call__(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Wait for the session's turn, and run the network on `tensor`, (1, C, H, W).

        Raises:
            BackendError, MismatchError: The network fails.
            Aborted: `abort` was called.
        """
        network, request = self._network, self._request
        assert network is not None, "the session is closed"
        assert request is not None
        contiguous = np.ascontiguousarray(tensor)
        with self._gate:
            start = time.perf_counter()
            try:
                return network.run(contiguous, request)
            except MismatchError:
                raise
            except Exception as error:  # the runtimes' errors have no common parent
                if self._gate.aborted:
                    raise Aborted from error
                raise BackendError(
                    f"{network.runtime.title} failed on {network}: {error_summary(error, skipped=_ORIGIN)}"
                ) from error
            finally:
                self.seconds = time.perf_counter() - start

    def abort(self) -> None:
        """End the current run or its wait, and all later ones. Called from any thread."""
        self._gate.abort()
        if request := self._request:
            request.abort()

    def close(self) -> None:
        """Drop the reference to the network, which is freed with its last session."""
        self._network = self._request = None


class CpuCascade:
    """Loaded networks that run one after the other, as one network.

    Attributes:
        model: The cascade.
        backend: Description for tables.
    """

    def __init__(self, model: ModelSpec, networks: Sequence[CpuNetwork]) -> None:
        """Join the networks of `model.steps`; one that is repeated need not be loaded twice."""
        self.model = model
        self.backend = " and ".join(dict.fromkeys(network.backend for network in networks))
        self._networks = networks

    def runner(self) -> CascadeRunner:
        """Create a runner for one session."""
        return CascadeRunner(self.model, [network.runner() for network in self._networks])


class CascadeRunner:
    """Runs the networks of a cascade for one session, as NetworkRunner runs one."""

    def __init__(self, model: ModelSpec, runners: Sequence[NetworkRunner]) -> None:
        self._model = model
        self._runners = runners

    def __call__(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Run the networks in turn, each as soon as it is the session's turn; see `NetworkRunner`."""
        convention = self._model
        for runner, step in zip(self._runners, self._model.steps, strict=True):
            tensor = runner(_adapted(tensor, convention, step))
            convention = step
        return _adapted(tensor, convention, self._model)

    def abort(self) -> None:
        """End the current run or its wait, and all later ones. Called from any thread."""
        for runner in self._runners:
            runner.abort()

    def close(self) -> None:
        """Drop the references to the networks."""
        for runner in self._runners:
            runner.close()


def _adapted(tensor: NDArray[Any], given: ModelSpec, wanted: ModelSpec) -> NDArray[Any]:
    """A tensor, (1, C, H, W), with the order, value range and type of another model."""
    if given.order != wanted.order:
        tensor = tensor[:, ::-1]
    if given.value_range != wanted.value_range:
        tensor = tensor.astype(np.float32) * np.float32(wanted.value_range / given.value_range)
    return np.ascontiguousarray(tensor, wanted.dtype)
