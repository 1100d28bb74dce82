"""A TensorRT engine of the case's network, built as uprez builds its own. The only place here that builds engines."""

from __future__ import annotations

from pipeline.superres.gpu.tensorrt.engine import Shapes, build_engine
from pipeline.superres.gpu.tensorrt.library import TensorRtLibrary
from upscalers.case import Case


def engine(library: TensorRtLibrary, case: Case) -> bytes:
    """Build a serialized engine for images of the case's size only, for which TensorRT builds the fastest engines."""
    return build_engine(library, case.model, Shapes.fixed(case.height, case.width))
