"""Cache of generated and converted models, and of inspection records.

With both cached, a model is found without importing ONNX and ONNX Runtime, which takes most of a second.
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
from pipeline.models.inspection import INSPECTION_VERSION, inspect_model, read_model_file
from pipeline.models.precision import CONVERTER_VERSION, convert_precision
from pipeline.models.spec import ModelSpec
from pipeline.system.atomic_file import write_atomically
from pipeline.system.cache import cache_folder, read_record, write_record

if TYPE_CHECKING:
    import onnx

log = logging.getLogger(__name__)

_STEM = 40  # characters of a file's name that the names of its conversions begin with


def inspect_cached(path: Path) -> ModelSpec:
    """Return the facts that `inspect_model` finds in a file, from the cache if its content was inspected before.

    Raises:
        ModelError: As `inspect_model` raises it.
    """
    sha256 = hashlib.sha256(read_model_file(path)).hexdigest()
    try:
        record = cache_folder("models") / _record_name(path, sha256)
    except OutputError as error:
        log.warning("the inspection of %s is not cached: %s", path.name, error)
        return inspect_model(path)
    spec = _load_record(record, path, sha256)
    if spec is None:
        spec = inspect_model(path)
        _save_record(record, spec)
    return spec


def generate_cached(name: str, generate: Callable[[], onnx.ModelProto]) -> ModelSpec:
    """Return a generated model, from the cache if it is there and valid.

    Args:
        name: Name of the cached file, without suffix.
        generate: Makes the network.

    Raises:
        ModelError: The file can't be written.
    """
    path = cache_folder("models") / f"{name}.onnx"
    if path.exists():
        with suppress(ModelError):  # a damaged file is written again
            return inspect_cached(path)
    write_model(path, generate().SerializeToString())
    return inspect_cached(path)


def convert_cached(spec: ModelSpec, precision: str) -> ModelSpec:
    """Return a model in another precision, from the cache if it was converted before.

    Args:
        spec: The model.
        precision: One of PRECISIONS.

    Returns:
        The converted model; `spec` itself if it has this precision already.

    Raises:
        ModelError: The model can't be converted, or the file can't be written.
    """
    if spec.precision == precision:
        return spec
    if precision == "tf32":
        return replace(convert_cached(spec, "fp32"), precision="tf32")
    name = f"{spec.path.stem[:_STEM]}.{spec.sha256[:32]}.{precision}.v{CONVERTER_VERSION}.onnx"
    path = cache_folder("models") / name
    if not path.exists():
        write_model(path, _convert(spec, precision).SerializeToString())
    return replace(
        spec,
        path=path,
        sha256=hashlib.sha256(read_model_file(path)).hexdigest(),
        dtype=np.dtype(np.float32 if precision == "fp32" else np.float16),
        precision=precision,
        reference=spec.path,
    )


def _convert(spec: ModelSpec, precision: str) -> onnx.ModelProto:
    import onnx

    try:
        return convert_precision(onnx.load_model_from_string(read_model_file(spec.path)), precision)
    except ModelError as error:
        raise ModelError(f"{spec.name}: {error}") from error


def write_model(path: Path, content: bytes) -> None:
    """Write a model file into the cache. Raises ModelError if that is impossible: without the file, nothing can run."""
    try:
        write_atomically(path, content)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; set UPREZ_CACHE to a folder with free space") from error


def _record_name(path: Path, sha256: str) -> str:
    """Name of the record of a file: it changes with the content, the file name, the inspection and the set of facts.

    The file name counts because it is the name of a model whose metadata has none.
    """
    key = [INSPECTION_VERSION, [field.name for field in fields(ModelSpec)], path.stem, sha256]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32] + ".json"


def _save_record(record: Path, spec: ModelSpec) -> None:
    facts = asdict(spec) | {"path": None, "dtype": spec.dtype.name}
    del facts["steps"]  # only cascades have some, and they have no file
    write_record(record, facts)


def _load_record(record: Path, path: Path, sha256: str) -> ModelSpec | None:
    """The facts in a record; None if there is no record, or one that this module did not write."""
    facts = read_record(record)
    try:
        if facts is None or facts["sha256"] != sha256:
            return None
        size = None if facts["size"] is None else tuple(facts["size"])
        return ModelSpec(**facts | {"path": path, "dtype": np.dtype(facts["dtype"]), "size": size})
    except (ValueError, TypeError, KeyError):
        return None
