"""Networks in OpenVINO on the CPU."""

from __future__ import annotations

import threading
from typing import Any

from numpy.typing import NDArray

from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.system.openvino import load_openvino


class OpenVinoNetwork:
    """A network compiled for images of one size, with one inference request, whose memory all sessions share."""

    def __init__(self, model: ModelSpec, size: HeightWidth, threads: int) -> None:
        """Compile a model.

        Args:
            model: The network.
            size: (H, W) of the images.
            threads: Threads of a run; 0 for one per physical core.
        """
        core = load_openvino().Core()
        network = core.read_model(str(model.path))
        network.reshape([1, model.channels, *size])
        options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        # Pinned threads would compete with the codecs' for the same cores.
        options["ENABLE_CPU_PINNING"] = False
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        self._request = core.compile_model(network, "CPU", options).create_infer_request()

    def request(self) -> OpenVinoRequest:
        """Create a request for one session."""
        return OpenVinoRequest(self._request)


class OpenVinoRequest:
    """Runs a network for one session. Called from one thread at a time, except `abort`."""

    def __init__(self, shared: Any) -> None:
        """`shared` is the network's inference request, which sessions use one after another."""
        self._shared = shared
        self._lock = threading.Lock()
        self._running = self._aborted = False

    def run(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Run the network on a contiguous `tensor`, (1, C, H, W)."""
        with self._lock:
            if self._aborted:
                raise RuntimeError("the request was aborted")
            self._shared.start_async([tensor], share_inputs=True)
            self._running = True
        try:
            self._shared.wait()
        finally:
            with self._lock:
                self._running = False
        output: NDArray[Any] = self._shared.get_output_tensor().data
        return output.copy()  # the next run, of any session, overwrites it

    def abort(self) -> None:
        """Cancel the current run, if it is this session's, and let all later ones fail."""
        with self._lock:
            self._aborted = True
            if self._running:
                self._shared.cancel()
