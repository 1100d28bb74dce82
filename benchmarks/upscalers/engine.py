"""A TensorRT engine of the case's network, as uprez builds its own: the one place here that knows how."""

from __future__ import annotations

from pipeline.superres.gpu.tensorrt.engine import Shapes, build
from pipeline.superres.gpu.tensorrt.library import TensorRtLibrary
from upscalers.case import Case


def engine(flavour: TensorRtLibrary, case: Case) -> bytes:
    """Serialised, for pictures of the case's size only, which is what TensorRT makes the fastest engines for."""
    return build(flavour, case.model, Shapes.fixed(case.height, case.width))
