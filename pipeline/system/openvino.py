"""The import of OpenVINO, with its telemetry disabled."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_TELEMETRY = "openvino_telemetry"


def load_openvino() -> Any:
    """Import `openvino` without its telemetry. The only place that imports the module.

    The import itself sends an event to its vendor, and creates an identifier and a file of statistics in the user's
    home folder (seen with 2026.4.1). Where the package `openvino_telemetry` can't be imported, `openvino` uses a stub
    of its own instead, which does nothing. So that package is hidden during the import; the stub stays in use.

    Raises:
        ImportError: The package is not installed or does not load.
    """
    with _hidden(_TELEMETRY):
        import openvino
    return openvino


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Let imports of a module raise ImportError."""
    before = sys.modules.get(module)
    sys.modules[module] = None  # type: ignore[assignment]  # what Python takes for a module that can't be imported
    try:
        yield
    finally:
        sys.modules.pop(module, None)
        if before is not None:
            sys.modules[module] = before
