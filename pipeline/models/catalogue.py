"""Names → networks: the embedded weights, the generated ones, and any .onnx file."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.config.settings import Settings
from pipeline.errors import ModelError
from pipeline.models import synthetic
from pipeline.models.model_cache import in_precision, inspected, made
from pipeline.models.precision import PRECISIONS
from pipeline.models.spec import ModelSpec

if TYPE_CHECKING:
    import onnx

DEFAULT: str = Settings.model_fields["model"].default
_WEIGHTS = Path(__file__).parent / "weights"
_SRVGG = re.compile(r"srvgg-(\d+)x(\d+)")
_DTYPES: dict[str, type[np.floating]] = {"fp32": np.float32, "fp16": np.float16}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def embedded() -> list[str]:
    """The names of the networks that come with the package."""
    return sorted({path.name.removesuffix(".fp32.onnx") for path in _WEIGHTS.glob("*.fp32.onnx")})


def find(name: str, precision: str | type[np.floating]) -> ModelSpec:
    """The network called `name`: an embedded one, "identity", "srvgg-<features>x<convolutions>", or an .onnx file.

    precision: "fp32", "tf32", "fp16" or "bf16", which files are converted to; or float32 or float16, which chooses
    among the forms of a named network, while a file is what it is.

    What a network is found to be, and what is made of it, is kept: a second time needs no ONNX. Raises ModelError for
    a name that isn't known, and for a file that is no upscaler or can't be converted.
    """
    wanted = precision if isinstance(precision, str) else _NAMES[precision]
    if wanted not in PRECISIONS:
        raise ModelError(f"no precision called {wanted!r}; there are {', '.join(PRECISIONS)}")
    form = "fp16" if wanted == "fp16" else "fp32"
    if name in embedded():
        spec = inspected(_WEIGHTS / f"{name}.{form}.onnx")
    elif make := _generator(name):
        spec = made(f"{name}.{form}.v{synthetic.VERSION}", partial(make, _DTYPES[form]))
    elif Path(name).suffix.lower() == ".onnx":
        spec = inspected(Path(name))
        if precision in _NAMES:
            return spec
    else:
        known = ", ".join([*embedded(), "identity", "srvgg-64x16"])
        raise ModelError(f"no model called {name!r}; there are {known}, or give an .onnx file")
    return in_precision(spec, wanted)


def _generator(name: str) -> Callable[[type[np.floating]], onnx.ModelProto] | None:
    """What makes the network of this name, of a dtype."""
    if name == "identity":
        return synthetic.identity
    if not (match := _SRVGG.fullmatch(name)):
        return None
    features, convolutions = int(match[1]), int(match[2])
    if not (1 <= features <= 512 and 1 <= convolutions <= 64):
        raise ModelError(f"{name}: srvgg takes 1 to 512 features and 1 to 64 convolutions")
    return partial(synthetic.srvgg, features, convolutions)
