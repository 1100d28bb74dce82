"""A network loaded for its trial, in ONNX Runtime on the CPU."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError, error_summary
from pipeline.models.importing.conventions import Pixels
from pipeline.models.importing.trial import TrialError
from pipeline.system.onnx_runtime import cpu_session

_THREADS = 8
_MEMORY_MESSAGES = ("bad_alloc", "Failed to allocate memory", "MemoryError")


class TrialNetwork:
    """A network that is called with an image in its own values, (C, H, W) of float32, and gives (C, h, w).

    Calls raise TrialError if the network does not run on this size, and ModelError if it can't be an upscaler, or needs
    too much memory.
    """

    def __init__(self, content: bytes, layout: str = "nchw") -> None:
        """Load a network.

        Args:
            content: The ONNX file.
            layout: "nchw" or "nhwc", of both tensors.

        Raises:
            ModelError: ONNX Runtime can't load it, or it needs too much memory.
        """
        try:
            self._session = cpu_session(content, min(os.cpu_count() or 1, _THREADS))
        except Exception as error:  # ONNX Runtime's errors have no common parent
            _check_memory(error)
            raise ModelError(f"ONNX Runtime can't load it: {_reason(error)}") from error
        self._layout = layout
        source = self._session.get_inputs()[0]
        self._input = source.name
        names = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64"}
        self._dtype = np.dtype(names.get(source.type, "uint8"))

    def __call__(self, image: Pixels) -> Pixels:
        values = np.clip(np.round(image), 0, 255) if self._dtype == np.uint8 else image
        tensor = _transposed(values[None].astype(self._dtype), self._layout, (0, 2, 3, 1))
        try:
            output = np.asarray(self._session.run(None, {self._input: np.ascontiguousarray(tensor)})[0])
        except Exception as error:  # ONNX Runtime's errors have no common parent
            _check_memory(error)
            raise TrialError(_reason(error)) from error
        planes = _transposed(output, self._layout, (0, 3, 1, 2)) if output.ndim == 4 else output
        if planes.ndim != 4 or planes.shape[:2] != (1, len(image)):
            raise ModelError(
                f"converts {tensor.shape} to {output.shape}; an upscaler gives one image of as many channels"
            )
        return np.asarray(planes[0], np.float32)


def _transposed(tensor: NDArray[Any], layout: str, axes: tuple[int, ...]) -> NDArray[Any]:
    return tensor.transpose(axes) if layout == "nhwc" else tensor


def _check_memory(error: Exception) -> None:
    """Raise ModelError if the memory limit was the reason for `error`."""
    if isinstance(error, MemoryError) or any(text in str(error) for text in _MEMORY_MESSAGES):
        raise ModelError("needs more memory than a trial may use, even for a small image") from error


def _reason(error: Exception) -> str:
    """The reason in a message of ONNX Runtime's, without its codes."""
    text = error_summary(error).split("Status Message: ")[-1]
    return text.split(" : ", 3)[-1].strip() if text.startswith("[ONNXRuntimeError]") else text.strip()
