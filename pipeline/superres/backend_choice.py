"""Chooses what runs the network, a GPU or the CPU, and the precision of the model for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.config.settings import Upscaling
from pipeline.errors import BackendError
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.tensorrt import library
from pipeline.system import cuda


def choose_backend(settings: Upscaling) -> tuple[str, str | None]:
    """The backend to use, and a note where a GPU is there but can't be used. Raises BackendError if it was named."""
    if settings.backend == "onnx":
        return "onnx", None
    missing = cuda.unavailable_reason()
    if missing is None and not library.installed():
        missing = f"TensorRT is not installed: {library.INSTALL['rtx']}"
    if missing is None:
        return "tensorrt", None
    if settings.backend == "tensorrt":
        raise BackendError(f"--backend tensorrt: {missing}; or use --backend onnx")
    gpu_is_here = Path("/proc/driver/nvidia/version").exists()
    return "onnx", f"an NVIDIA GPU is here but not used: {missing}" if gpu_is_here else None


def choose_model(settings: Upscaling, backend: str) -> ModelSpec:
    """The model that the settings name, in the form that suits the backend: CPUs are slower at less than fp32."""
    if backend == "onnx":
        return catalogue.find(settings.model, np.float32)
    return catalogue.find(settings.model, np.float16 if settings.precision == "auto" else settings.precision)
