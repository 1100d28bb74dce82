"""A network on the CPU, in ONNX Runtime, for one session or for several that take turns."""

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
    """`model`, loaded. One run takes all cores, or as many as there are `threads`, so runs go one after the other.

    fair_lock: what runs of this network pass through, and those of others that want the same cores.
    """

    def __init__(self, model: ModelSpec, threads: int = 0, fair_lock: FairLock | None = None) -> None:
        ort = load_onnx_runtime()

        self._model = model
        self._fair_lock = fair_lock or FairLock()
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        # Its threads would spin between frames, on cores that the codecs need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
        self.backend = f"ONNX Runtime {ort.__version__} on the CPU"

    def runs(self) -> Runs:
        """One session's way to run it."""
        return Runs(self, self._fair_lock.gate())

    def run(self, tensor: NDArray[Any], options: Any) -> NDArray[Any]:
        """What it makes of `tensor`, (1, C, H, W): (1, C, scale H, scale W), in memory of its own."""
        model = self._model
        result: NDArray[Any]
        (result,) = self._session.run([model.output], {model.input: tensor}, options)
        *_, height, width = tensor.shape
        expected = (1, model.channels, height * model.scale, width * model.scale)
        if result.shape != expected:
            raise MismatchError(f"{model.name} gave {result.shape} for {width}x{height}, {expected} was expected")
        return result

    def __str__(self) -> str:
        return str(self._model)


class Runs:
    """What one session runs on `network`, in its turn. Called from one thread at a time, but for `abort`."""

    def __init__(self, network: CpuNetwork, gate: Gate) -> None:
        ort = load_onnx_runtime()

        self._network: CpuNetwork | None = network
        self._gate = gate
        self._options = ort.RunOptions()

    def __call__(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """The network on `tensor`, (1, C, H, W), when its turn has come.

        Raises BackendError or MismatchError where it does not work, and Aborted after `abort`.
        """
        network = self._network
        assert network is not None, "it is closed"
        given = np.ascontiguousarray(tensor)
        with self._gate:
            try:
                return network.run(given, self._options)
            except MismatchError:
                raise
            except Exception as error:  # ONNX Runtime's errors have no common parent
                if self._gate.aborted:
                    raise Aborted from error
                raise BackendError(f"ONNX Runtime failed on {network}: {str(error).splitlines()[0]}") from error

    def abort(self) -> None:
        """End the run that waits or is under way, and those that come. Called from any thread."""
        self._gate.abort()
        self._options.terminate = True

    def close(self) -> None:
        """Let go of the network, which goes with its last session."""
        self._network = None
