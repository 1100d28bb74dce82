"""The catalogue of models: embedded weights, generated networks, added models, those of packages, and files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import ModelError
from pipeline.models import added, listing, synthetic
from pipeline.models.download import downloaded_path
from pipeline.models.importing.conventions import Overrides
from pipeline.models.importing.formats import READERS
from pipeline.models.importing.importer import import_model
from pipeline.models.inspection import read_model_file
from pipeline.models.model_cache import convert_cached, generate_cached, inspect_cached
from pipeline.models.packaged_models import packaged_model
from pipeline.models.packaged_network import packaged_onnx
from pipeline.models.precision import PRECISIONS
from pipeline.models.release_files import ReleaseFile, release_file
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


def find(name: str | Path, precision: str | type[np.floating], overrides: Overrides | None = None) -> ModelSpec:
    """Find a network by name or file, in a given precision.

    Imports, inspections, generated networks and conversions are cached: finding a model again does not import ONNX.

    Args:
        name: Name of an embedded network, "identity", "srvgg-<features>x<convolutions>", "span-<features>x<blocks>",
            name of an added model, of one in a package of weights, or the path of a model file.
        precision: "fp32", "tf32", "fp16" or "bf16": a file is converted to it. Or float32 or float16: that form of a
            named network, while a file is used as it is.
        overrides: What the user states of a model file.

    Raises:
        ModelError: The name or precision is unknown, or the file is not an upscaler or can't be converted, or something
            is stated of a model that is no file.
    """
    name = str(name)
    target = precision if isinstance(precision, str) else _NAMES[precision]
    if target not in PRECISIONS:
        raise ModelError(f"no precision called {target!r}; there are {', '.join(PRECISIONS)}")
    form = "fp16" if target == "fp16" else "fp32"
    if Path(name).suffix.lower() in READERS:
        return _in_precision(inspect_cached(import_model(Path(name), overrides).path), precision)
    if overrides and overrides != Overrides():
        raise ModelError(f"{name}: `model_range`, `model_channels` and `model_layout` are for model files")
    if name in embedded():
        spec = inspect_cached(_WEIGHTS / f"{name}.{form}.onnx")
    elif generate := _generator(name):
        spec = generate_cached(f"{name}.{form}.v{synthetic.VERSION}", partial(generate, _DTYPES[form]))
    elif name in added.names():
        return replace(_in_precision(inspect_cached(added.model_path(name)), precision), name=name)
    elif packaged := packaged_model(name):
        spec = inspect_cached(import_model(packaged_onnx(packaged)).path)
    elif released := release_file(name):
        spec = _released(released)
    else:
        raise ModelError(_unknown(name))
    return convert_cached(spec, target)


def _released(file: ReleaseFile) -> ModelSpec:
    """The network of a release file that was downloaded."""
    path = downloaded_path(file)
    if path is None:
        raise ModelError(f"{file.name} is not downloaded ({file.size / 1e6:.0f} MB): {file.command}")
    text = f"x{file.scale} for {file.purpose}; {file.source}"
    return replace(inspect_cached(import_model(path).path), name=file.name, licence=file.licence, description=text)


def _unknown(name: str) -> str:
    """The message for a name that no model has."""
    known = [*embedded(), "identity", "srvgg-64x16", *added.names()]
    similar = [found for found in get_close_matches(name, listing.names(), n=3, cutoff=0.5) if found not in known]
    return (
        f"no model called {name!r}; there are {', '.join(known)}, or give a file ({', '.join(READERS)}); "
        f"`uprez models --all` lists more{', such as ' if similar else ''}{', '.join(similar)}"
    )


def add_model(path: Path, name: str | None = None, overrides: Overrides | None = None) -> added.AddedModel:
    """Import a model file into the user's data folder, so that it can be found by a name.

    Args:
        path: The file.
        name: The name; None for the file's, without its suffix.
        overrides: What the user states of the network.

    Raises:
        ModelError: The file can't be used, or the name can't.
        OutputError: The data folder can't be written.
    """
    name = path.stem if name is None else name
    is_file = Path(name).suffix.lower() in READERS
    known = name in (*embedded(), "identity") or _RANDOM.fullmatch(name) or packaged_model(name) or release_file(name)
    if known or is_file:
        raise ModelError(f"{name} can't be the name of an added model: it is the name of another, or of a file")
    added.check_name(name)
    imported = import_model(path, overrides)
    spec = inspect_cached(imported.path)
    model = added.AddedModel(
        name, spec.scale, spec.parameters, spec.licence, spec.description, imported.found() | {"file": path.name}
    )
    added.save(model, read_model_file(imported.path))
    return model


def _in_precision(spec: ModelSpec, precision: str | type[np.floating]) -> ModelSpec:
    """A file in `precision`; as it is if that is a dtype."""
    return convert_cached(spec, precision) if isinstance(precision, str) else spec


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
