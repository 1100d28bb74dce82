"""A TensorRT engine of the case's network, as uprez builds its own, for frames of the case's size only."""

from __future__ import annotations

from pipeline import SerializedEngine, build_engine
from upscalers.case import Case


def engine(case: Case, library: str = "auto") -> SerializedEngine:
    """Build the engine with the TensorRT called `library`: "rtx", "tensorrt" or "auto"."""
    return build_engine(case.model, case.width, case.height, library)
