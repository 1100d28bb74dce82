"""Networks in ONNX Runtime, on the CPU or on what another of its execution providers uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from pipeline.errors import BackendError
from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.system.onnx_runtime import load_onnx_runtime

_CPU = "CPUExecutionProvider"


class OnnxRuntimeNetwork:
    """A network in ONNX Runtime."""

    def __init__(
        self,
        model: ModelSpec,
        size: HeightWidth,
        threads: int,
        provider: str,
        provider_options: Mapping[str, str] | None = None,
        memory_pattern: bool = True,
    ) -> None:
        """Load a model.

        Args:
            model: The network.
            size: (H, W) of the images. The CPU's provider ignores it, and supports any.
            threads: Threads of a run on the CPU; 0 for one per core.
            provider: The execution provider. The CPU's runs those operators that it doesn't support.
            provider_options: Options of the provider.
            memory_pattern: Whether memory is planned in advance, which DirectML's provider doesn't support.

        Raises:
            BackendError: ONNX Runtime does not activate the provider.
        """
        ort = load_onnx_runtime()

        self._model = model
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        options.enable_mem_pattern = memory_pattern
        # By default its threads spin between frames, on cores that the codecs need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers: list[Any] = [_CPU] if provider == _CPU else [(provider, dict(provider_options or {})), _CPU]
        source = str(model.path) if provider == _CPU else _with_fixed_size(model, size)
        # Otherwise ONNX Runtime prints a message and uses the CPU where the provider does not work.
        self._session = ort.InferenceSession(source, options, providers=providers, enable_fallback=0)
        if provider not in self._session.get_providers():
            raise BackendError(f"{provider} is not active")

    def request(self) -> OnnxRuntimeRequest:
        """Create a request for one session."""
        return OnnxRuntimeRequest(self._session, self._model)


class OnnxRuntimeRequest:
    """Runs a network for one session. Called from one thread at a time, except `abort`."""

    def __init__(self, session: Any, model: ModelSpec) -> None:
        self._session, self._model = session, model
        self._options = load_onnx_runtime().RunOptions()

    def run(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Run the network on a contiguous `tensor`, (1, C, H, W)."""
        output: NDArray[Any]
        (output,) = self._session.run([self._model.output], {self._model.input: tensor}, self._options)
        return output

    def abort(self) -> None:
        """Let the current run and all later ones fail."""
        self._options.terminate = True


def _with_fixed_size(model: ModelSpec, size: HeightWidth) -> bytes:
    """The ONNX file of a model, with an input of one size, (H, W): providers for GPUs need it, or are faster."""
    import onnx

    proto = onnx.load(model.path)
    wanted = next(value for value in proto.graph.input if value.name == model.input)
    for dimension, length in zip(wanted.type.tensor_type.shape.dim, (1, model.channels, *size), strict=True):
        dimension.dim_value = length
    return bytes(proto.SerializeToString())
