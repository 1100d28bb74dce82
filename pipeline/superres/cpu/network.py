"""A network loaded in ONNX Runtime on the CPU, for one session or for several that take turns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BackendError, MismatchError
from pipeline.flow.blocking import Aborted
from pipeline.flow.fair_lock import FairLock, Gate
from pipeline.models.spec import ModelSpec
from pipeline.system.onnx_runtime import load_onnx_runtime


class CpuNetwork:
    """A loaded model. A run uses all of its threads, so runs follow one another.

    Attributes:
        model: The network.
        backend: Description for tables.
    """

    def __init__(self, model: ModelSpec, threads: int = 0, fair_lock: FairLock | None = None) -> None:
        """Load a model.

        Args:
            model: The network.
            threads: Threads of a run; 0 for one per core.
            fair_lock: Lock that the runs of this and of other networks acquire; None for a lock of its own.
        """
        ort = load_onnx_runtime()

        self.model = model
        self._lock = fair_lock or FairLock()
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        # By default its threads spin between frames, on cores that the codecs need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
        self.backend = f"ONNX Runtime {ort.__version__} on the CPU"

    def runner(self) -> NetworkRunner:
        """Create a runner for one session."""
        return NetworkRunner(self, self._lock.gate())

    def run(self, tensor: NDArray[Any], options: Any) -> NDArray[Any]:
        """Run the network. The caller must have acquired the lock.

        Args:
            tensor: (1, C, H, W), of the model's dtype.
            options: ONNX Runtime's RunOptions.

        Returns:
            (1, C, scale H, scale W), in memory of its own.

        Raises:
            MismatchError: The output has another shape.
        """
        model = self.model
        output: NDArray[Any]
        (output,) = self._session.run([model.output], {model.input: tensor}, options)
        *_, height, width = tensor.shape
        expected = (1, model.channels, height * model.scale, width * model.scale)
        if output.shape != expected:
            raise MismatchError(f"{model.name} gave {output.shape} for {width}x{height}, {expected} was expected")
        return output

    def __str__(self) -> str:
        return str(self.model)


class NetworkRunner:
    """Runs a network for one session. Called from one thread at a time, except `abort`."""

    def __init__(self, network: CpuNetwork, gate: Gate) -> None:
        ort = load_onnx_runtime()

        self._network: CpuNetwork | None = network
        self._gate = gate
        self._options = ort.RunOptions()

    def __call__(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Wait for the session's turn, and run the network on `tensor`, (1, C, H, W).

        Raises:
            BackendError, MismatchError: The network fails.
            Aborted: `abort` was called.
        """
        network = self._network
        assert network is not None, "the session is closed"
        contiguous = np.ascontiguousarray(tensor)
        with self._gate:
            try:
                return network.run(contiguous, self._options)
            except MismatchError:
                raise
            except Exception as error:  # ONNX Runtime's errors have no common parent
                if self._gate.aborted:
                    raise Aborted from error
                raise BackendError(f"ONNX Runtime failed on {network}: {str(error).splitlines()[0]}") from error

    def abort(self) -> None:
        """End the current run or its wait, and all later ones. Called from any thread."""
        self._gate.abort()
        self._options.terminate = True

    def close(self) -> None:
        """Drop the reference to the network, which is freed with its last session."""
        self._network = None
