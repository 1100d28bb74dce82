"""The import of ONNX Runtime, with its telemetry disabled."""

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
