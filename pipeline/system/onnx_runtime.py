"""ONNX Runtime without its telemetry."""

from __future__ import annotations

import os
from typing import Any


def load_onnx_runtime() -> Any:
    """Import `onnxruntime` and disable its telemetry. The only place that imports the module.

    From version 1.32 on, ONNX Runtime reports to its vendor which models run, where, and how fast. The environment
    variable is read at import time; without it the library also creates an identifier and a database in the user's
    cache folder. On Windows only the function call has an effect.
    See https://github.com/microsoft/onnxruntime/pull/29843.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def cpu_session(model: str | bytes, threads: int = 0) -> Any:
    """Load a model on the CPU, without messages of ONNX Runtime on the terminal.

    Args:
        model: The ONNX file, or its content.
        threads: Threads of a run; 0 for one per core. They do not spin between runs, on cores that others need.

    Returns:
        An `onnxruntime.InferenceSession`.

    Raises:
        Exception: Any error of ONNX Runtime, which have no common parent.
    """
    ort = load_onnx_runtime()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
