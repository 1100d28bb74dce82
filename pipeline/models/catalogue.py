"""The catalogue of models: embedded weights, generated networks, and any .onnx file."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import ModelError
from pipeline.models import synthetic
from pipeline.models.model_cache import convert_cached, generate_cached, inspect_cached
from pipeline.models.precision import PRECISIONS
from pipeline.models.spec import ModelSpec

if TYPE_CHECKING:
    import onnx

_WEIGHTS = Path(__file__).parent / "weights"
_RANDOM = re.compile(r"(srvgg|span)-(\d+)x(\d+)")
_DTYPES: dict[str, type[np.floating]] = {"fp32": np.float32, "fp16": np.float16}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def embedded() -> list[str]:
    """Names of the networks that come with the package, sorted."""
    return sorted({path.name.removesuffix(".fp32.onnx") for path in _WEIGHTS.glob("*.fp32.onnx")})


def find(name: str, precision: str | type[np.floating]) -> ModelSpec:
    """Find a network by name or file, in a given precision.

    Inspections, generated networks and conversions are cached: finding a model again does not import ONNX.

    Args:
        name: Name of an embedded network, "identity", "srvgg-<features>x<convolutions>", "span-<features>x<blocks>", or
            the path of an .onnx file.
        precision: "fp32", "tf32", "fp16" or "bf16": a file is converted to it. Or float32 or float16: that form of a
            named network, while a file is used as it is.

    Raises:
        ModelError: The name or precision is unknown, or the file is not an upscaler or can't be converted.
    """
    target = precision if isinstance(precision, str) else _NAMES[precision]
    if target not in PRECISIONS:
        raise ModelError(f"no precision called {target!r}; there are {', '.join(PRECISIONS)}")
    form = "fp16" if target == "fp16" else "fp32"
    if name in embedded():
        spec = inspect_cached(_WEIGHTS / f"{name}.{form}.onnx")
    elif generate := _generator(name):
        spec = generate_cached(f"{name}.{form}.v{synthetic.VERSION}", partial(generate, _DTYPES[form]))
    elif Path(name).suffix.lower() == ".onnx":
        spec = inspect_cached(Path(name))
        if precision in _NAMES:
            return spec
    else:
        known = ", ".join([*embedded(), "identity", "srvgg-64x16"])
        raise ModelError(f"no model called {name!r}; there are {known}, or give an .onnx file")
    return convert_cached(spec, target)


def _generator(name: str) -> Callable[[type[np.floating]], onnx.ModelProto] | None:
    """The function that generates the network of this name for a dtype; None for other names."""
    if name == "identity":
        return synthetic.identity
    if not (match := _RANDOM.fullmatch(name)):
        return None
    family, features, depth = match[1], int(match[2]), int(match[3])
    if not (1 <= features <= 512 and 1 <= depth <= 64):
        parts = "convolutions" if family == "srvgg" else "blocks"
        raise ModelError(f"{name}: {family} takes 1 to 512 features and 1 to 64 {parts}")
    return partial(synthetic.srvgg if family == "srvgg" else synthetic.span, features, depth)
