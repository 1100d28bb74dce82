"""ONNX Runtime, told to keep to itself what it sees."""

from __future__ import annotations

import os
from typing import Any


def onnx_runtime() -> Any:
    """The module `onnxruntime`. From 1.32 on it would send its makers which models run, where, and how fast.

    It looks for the variable when it is imported, and without it leaves an identifier and a store in the user's cache
    folder, too; on Windows the call is what counts. https://github.com/microsoft/onnxruntime/pull/29843
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime
