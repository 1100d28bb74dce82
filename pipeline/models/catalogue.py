"""Names → networks: the embedded weights, the generated ones, and any .onnx file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.cache import cache_folder
from pipeline.errors import ModelError
from pipeline.models import generated
from pipeline.models.importing import inspect
from pipeline.models.spec import ModelSpec
from pipeline.settings import Settings

if TYPE_CHECKING:
    import onnx

DEFAULT: str = Settings.model_fields["model"].default
_SRVGG = re.compile(r"srvgg-(\d+)x(\d+)")
_NAMES = {np.float32: "fp32", np.float16: "fp16"}


def embedded() -> list[str]:
    """The names of the networks that come with the package."""
    return sorted({path.name.removesuffix(".fp32.onnx") for path in _weights().glob("*.fp32.onnx")})


def find(name: str, dtype: type[np.floating]) -> ModelSpec:
    """The network called `name`: an embedded one, "identity", "srvgg-<features>x<convolutions>", or an .onnx file.

    `dtype`, float32 or float16, chooses among the forms of a named network; a file is what it is.
    """
    if name in embedded():
        return _inspect(_weights() / f"{name}.{_NAMES[dtype]}.onnx")
    if name == "identity":
        return _made(name, dtype, lambda: generated.identity(dtype))
    if match := _SRVGG.fullmatch(name):
        features, convolutions = int(match[1]), int(match[2])
        if not (1 <= features <= 512 and 1 <= convolutions <= 64):
            raise ModelError(f"{name}: srvgg takes 1 to 512 features and 1 to 64 convolutions")
        return _made(name, dtype, lambda: generated.srvgg(features, convolutions, dtype))
    if Path(name).suffix.lower() != ".onnx":
        known = ", ".join([*embedded(), "identity", "srvgg-64x16"])
        raise ModelError(f"no model called {name!r}; there are {known}, or give an .onnx file")
    return _inspect(Path(name))


def _weights() -> Path:
    return Path(str(files("pipeline.models"))) / "weights"


def _inspect(path: Path) -> ModelSpec:
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _inspect_once(path, changed)


@lru_cache(maxsize=16)
def _inspect_once(path: Path, changed: int) -> ModelSpec:
    return inspect(path)


def _made(name: str, dtype: type[np.floating], make: Callable[[], onnx.ModelProto]) -> ModelSpec:
    content = make().SerializeToString()
    path = cache_folder("models") / f"{name}.{_NAMES[dtype]}.onnx"
    if not path.exists() or path.read_bytes() != content:
        part = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            part.write_bytes(content)
            os.replace(part, path)
        except OSError as error:
            raise ModelError(f"{path}: {error.strerror}; set UPREZ_CACHE to a folder with room") from error
    return _inspect(path)
