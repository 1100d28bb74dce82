"""The choice of the backend, a GPU or the CPU, and of the model's precision for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.config.settings import CPU_ENGINES, Upscaling
from pipeline.errors import BackendError
from pipeline.models import catalogue
from pipeline.models.cascade import cascade
from pipeline.models.importing.conventions import Overrides
from pipeline.models.importing.formats import READERS
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.tensorrt import library
from pipeline.system import cuda


def choose_backend(settings: Upscaling) -> tuple[str, str | None]:
    """Choose the backend.

    Returns:
        "tensorrt" or "onnx", and a note if the machine has an NVIDIA GPU that can't be used.

    Raises:
        BackendError: The settings request a GPU or a runtime of the CPU, and it can't be used.
        ModelError: The model can't be read.
    """
    if settings.engine in CPU_ENGINES:
        return _cpu_backend(settings), None
    if settings.backend == "onnx":
        return "onnx", None
    reason = cuda.unavailable_reason()
    if reason is None and not library.installed():
        reason = _reason_against_fused(settings)
    if reason is None:
        return "tensorrt", None
    if settings.backend == "tensorrt":
        raise BackendError(f"`backend` tensorrt can't be used: {reason}; or set `backend` to onnx")
    has_gpu = Path("/proc/driver/nvidia/version").exists()
    return "onnx", f"the NVIDIA GPU of this machine is not used: {reason}" if has_gpu else None


def _cpu_backend(settings: Upscaling) -> str:
    """The backend of an `engine` of the CPU. Raises BackendError if the settings contradict, or it is not installed."""
    from pipeline.superres.cpu.runtimes import requested_runtime

    if settings.backend == "tensorrt":
        raise BackendError(
            f"`engine` {settings.engine} is one of the CPU backend: set `backend` to onnx, or `engine` to auto"
        )
    requested_runtime(settings.engine)
    return "onnx"


def _reason_against_fused(settings: Upscaling) -> str | None:
    """The reason why a machine without TensorRT can't compute the model on its GPU; None if it can."""
    missing = f"TensorRT is not installed: {library.INSTALL_COMMANDS['rtx']}"
    if settings.engine not in library.ANY_LIBRARY:
        return missing
    from pipeline.superres.gpu.network_choice import fused_objection

    objection = fused_objection(choose_model(settings, "tensorrt"))
    return f"fused kernels can't compute {settings.model}: {objection}; {missing}" if objection else None


def choose_model(settings: Upscaling, backend: str) -> ModelSpec:
    """Find the model that the settings name, in the precision for the backend: fp32 on CPUs, where it is fastest.

    Several names, separated by commas, are a cascade. What is stated of a model file is stated of each file in it.

    Raises:
        ModelError: A model is unknown or can't be used, or the models can't form a cascade.
    """
    precision = settings.precision if backend != "onnx" and settings.precision != "auto" else None
    wanted = precision or (np.float32 if backend == "onnx" else np.float16)
    stated = Overrides(settings.model_range, settings.model_channels, settings.model_layout)
    names = [settings.model] if os.path.exists(settings.model) else [name.strip() for name in settings.model.split(",")]
    return cascade([catalogue.find(name, wanted, _stated_of(name, names, stated)) for name in names])


def _stated_of(name: str, names: Sequence[str], stated: Overrides) -> Overrides:
    """What is stated of one model of a cascade: nothing of an embedded one beside files."""
    files = [each for each in names if Path(each).suffix.lower() in READERS]
    return stated if name in files or not files else Overrides()
