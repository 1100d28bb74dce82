"""What was made of models or found out about them, kept so that it happens once: files, and inspections as JSON.

With both there, a model is found without ONNX and ONNX Runtime, which take most of a second to import and to try it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import ModelError, OutputError
from pipeline.models.inspection import INSPECTION, inspect, read
from pipeline.models.precision import CONVERTER, converted
from pipeline.models.spec import ModelSpec
from pipeline.system.cache import cache_folder, write_atomically, write_cached

if TYPE_CHECKING:
    import onnx

log = logging.getLogger(__name__)

_STEM = 40  # characters of a file's name that its conversions go on with


def inspected(path: Path) -> ModelSpec:
    """What `inspect` finds in the file, found out once for each content. Raises ModelError as it does."""
    sha256 = hashlib.sha256(read(path)).hexdigest()
    try:
        record = cache_folder("models") / _record_name(path, sha256)
    except OutputError as error:
        log.warning("what is found out about %s is not kept: %s", path.name, error)
        return inspect(path)
    spec = _recall(record, path, sha256)
    if spec is None:
        spec = inspect(path)
        _remember(record, spec)
    return spec


def made(name: str, make: Callable[[], onnx.ModelProto]) -> ModelSpec:
    """The model kept as `name`, made if it isn't there or is broken. Raises ModelError if it can't be written."""
    path = cache_folder("models") / f"{name}.onnx"
    if path.exists():
        with suppress(ModelError):
            return inspected(path)
    _write_model(path, make())
    return inspected(path)


def in_precision(spec: ModelSpec, precision: str) -> ModelSpec:
    """The model in another precision, converted once; `spec` itself if that is its precision.

    Raises ModelError if it can't be converted, or not be written.
    """
    if spec.precision == precision:
        return spec
    if precision == "tf32":
        return replace(in_precision(spec, "fp32"), precision="tf32")
    name = f"{spec.path.stem[:_STEM]}.{spec.sha256[:32]}.{precision}.v{CONVERTER}.onnx"
    path = cache_folder("models") / name
    if not path.exists():
        _write_model(path, _conversion(spec.path, precision))
    return replace(
        spec,
        path=path,
        sha256=hashlib.sha256(read(path)).hexdigest(),
        dtype=np.dtype(np.float32 if precision == "fp32" else np.float16),
        precision=precision,
        reference=spec.path,
    )


def _conversion(path: Path, precision: str) -> onnx.ModelProto:
    import onnx

    try:
        return converted(onnx.load_model_from_string(read(path)), precision)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _write_model(path: Path, model: onnx.ModelProto) -> None:
    try:
        write_atomically(path, model.SerializeToString())
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; set UPREZ_CACHE to a folder with room") from error


def _record_name(path: Path, sha256: str) -> str:
    """Another content, file name (a model may have no other), inspection, or set of facts is another record."""
    known_by = [INSPECTION, [field.name for field in fields(ModelSpec)], path.stem, sha256]
    return hashlib.sha256(json.dumps(known_by).encode()).hexdigest()[:32] + ".json"


def _remember(record: Path, spec: ModelSpec) -> None:
    facts = asdict(spec) | {"path": None, "dtype": spec.dtype.name}
    write_cached(record, json.dumps({"facts": facts, "sum": _sum(facts)}, indent=1).encode())


def _recall(record: Path, path: Path, sha256: str) -> ModelSpec | None:
    """What was remembered; None if there is nothing, or something that this file didn't write."""
    try:
        kept = json.loads(record.read_bytes())
        facts = kept["facts"]
        if kept["sum"] != _sum(facts) or facts["sha256"] != sha256:
            return None
        size = None if facts["size"] is None else tuple(facts["size"])
        return ModelSpec(**facts | {"path": path, "dtype": np.dtype(facts["dtype"]), "size": size})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _sum(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
