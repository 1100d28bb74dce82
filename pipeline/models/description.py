"""The description of a model as a table: what it is, and what its import found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.models import added, catalogue
from pipeline.models.importing.conventions import Conventions, Overrides, ValueRange
from pipeline.models.importing.formats import READERS
from pipeline.models.importing.importer import import_model
from pipeline.models.packaged_models import packaged_model
from pipeline.models.packaged_network import packaged_onnx
from pipeline.models.spec import HeightWidth, ModelSpec

Rows = list[tuple[str, str]]

_CHANNELS = {"rgb": "red, green, blue", "bgr": "blue, green, red", "y": "luma alone"}
_LAYOUTS = {"nchw": "NCHW (planes)", "nhwc": "NHWC (channels last)"}


def describe_model(name: str, overrides: Overrides | None = None) -> Rows:
    """Names and values of the facts about a model.

    Args:
        name: As `find` accepts it.
        overrides: What the user states of a model file.

    Raises:
        ModelError: There is no such model, or it can't be used.
    """
    spec = catalogue.find(name, np.float32, overrides)
    found: dict[str, Any] | None = None
    if Path(name).suffix.lower() in READERS:
        found = import_model(Path(name), overrides).found()
    elif name in added.names():
        found = added.load(name).found
    elif packaged := packaged_model(name):
        found = import_model(packaged_onnx(packaged)).found()
    rows = [("model", name if name in added.names() else spec.name), ("scale", f"x{spec.scale}")]
    rows += _conventions(spec) if found is None else _found(found)
    radius = spec.receptive_field_radius
    rows += [
        ("receptive field", "the complete frame, or unknown" if radius is None else f"{radius} pixels around each"),
        ("precision", spec.precision),
        ("parameters", f"{spec.parameters:,}"),
        ("licence", spec.licence),
        ("source", packaged.package.source if (packaged := packaged_model(name)) else ""),
        ("description", spec.description),
    ]
    return [(name, value) for name, value in rows if value]


def _conventions(spec: ModelSpec) -> Rows:
    return [
        ("channels", _CHANNELS[spec.order]),
        ("values", f"0..{spec.value_range:g}"),
        ("type", spec.dtype.name),
        ("sizes", _sizes(spec.size, spec.size_multiple)),
    ]


def _found(found: dict[str, Any]) -> Rows:
    conventions = Conventions.from_json(found["conventions"])
    across, down = found["shift"]
    is_displaced = max(abs(across), abs(down)) >= 0.005
    types = dict.fromkeys((conventions.input_dtype, conventions.output_dtype))
    ranges = dict.fromkeys(map(_range_text, (conventions.input_range, conventions.output_range)))
    reverse = ", the opposite order in the output" if conventions.output_reversed else ""
    sizes = _sizes(conventions.size, conventions.size_multiple)
    if conventions.declared_size and not conventions.size:
        sizes += f" (the file declares {_size_text(conventions.declared_size)}, which it does not need)"
    border = f"{conventions.border} pixels on each side are added before it" if conventions.border else "complete"
    return [
        ("channels", _CHANNELS[conventions.channels] + reverse),
        ("values", " to ".join(ranges)),
        ("type", " to ".join(types)),
        ("layout", _LAYOUTS[conventions.layout]),
        ("sizes", sizes),
        ("border", border),
        ("displacement", f"{across:+.2f} pixels across, {down:+.2f} down" if is_displaced else "none"),
        ("difference", f"{found['error']:.3f} of white from a synthetic photograph, root mean square"),
    ]


def _range_text(known: ValueRange) -> str:
    if len(known.black) == 1:
        return known.name
    bounds = (f"{black:.2f}..{white:.2f}" for black, white in zip(known.black, known.white, strict=True))
    return f"{known.name} ({', '.join(bounds)})"


def _sizes(size: HeightWidth | None, multiple: int) -> str:
    if size:
        return f"{_size_text(size)} only: frames of other sizes are upscaled in tiles"
    return "any" if multiple == 1 else f"multiples of {multiple}: other frames are continued by their mirror image"


def _size_text(size: HeightWidth) -> str:
    height, width = size
    return f"{width}x{height}"
