"""The examination of a model file: it is read, tried, rewritten to this project's conventions, and checked.

Runs in a child process (child.py) with limits on time and memory, since a model can be any program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ModelError
from pipeline.models.importing.checks import Checked, check_output
from pipeline.models.importing.conventions import BYTES, SIGNED, UNIT, Conventions, Overrides, Pixels, ValueRange
from pipeline.models.importing.formats import READERS, Companions
from pipeline.models.importing.network import TrialNetwork
from pipeline.models.importing.rewriting import kept_white, needs_rewriting, rewritten, with_free_size
from pipeline.models.importing.signature import Signature, read_signature
from pipeline.models.importing.trial import Geometry, Values, fixed_geometry, measure_geometry, measure_values

if TYPE_CHECKING:
    import onnx

_CHECK_HEIGHT, _CHECK_WIDTH = 32, 48  # the colour card's


@dataclass(frozen=True)
class Examined:
    """What an examination found.

    Attributes:
        conventions: The conventions of the network.
        checked: What the checks measured.
        companions: The other files that were read.
        content: The network in this project's conventions; None if the file itself is that.
    """

    conventions: Conventions
    checked: Checked
    companions: Companions
    content: bytes | None


def examine(path: Path, overrides: Overrides, on_read: Callable[[int], None] | None = None) -> Examined:
    """Examine a model file.

    Args:
        path: The file.
        overrides: What the user states of the network.
        on_read: Called with the size of the network in bytes after it was read, and before it is tried.

    Raises:
        ModelError: In one line: the file, what is wrong with it, and what is supported.
    """
    try:
        return _examine(path, overrides, on_read)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; `uprez models` lists the models that uprez knows") from error
    except (MemoryError, RecursionError) as error:
        raise ModelError(f"{path}: needs more memory than a trial may use") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _examine(path: Path, overrides: Overrides, on_read: Callable[[int], None] | None) -> Examined:
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise ModelError(f"not a kind of model that is known; {', '.join(READERS)} can be read")
    model, companions = read(path)
    if on_read:
        on_read(model.ByteSize())
    stated = overrides.over(_stated(model))
    signature = read_signature(model, stated)
    conventions = _found_conventions(model, signature, stated)
    as_it_is = path.suffix.lower() == ".onnx" and not companions and not needs_rewriting(model, conventions)
    if conventions.size is None and conventions.declared_size:
        model = with_free_size(model)
    content = (model if as_it_is else rewritten(model, signature, conventions, path.stem)).SerializeToString()
    return Examined(conventions, _checked(content, conventions), companions, None if as_it_is else content)


def _stated(model: onnx.ModelProto) -> Overrides:
    """What the metadata of `model` state."""
    facts = {entry.key: entry.value for entry in model.metadata_props}
    value_range = {"1": UNIT.name, "255": BYTES.name}.get(facts.get("uprez.range", ""), facts.get("uprez.range"))
    return Overrides(value_range, facts.get("uprez.channels"), facts.get("uprez.layout"))


def _found_conventions(model: onnx.ModelProto, signature: Signature, overrides: Overrides) -> Conventions:
    """Try the network in each form that the graph allows; at any size first, even if it declares a single one."""
    refusal: ModelError | None = None
    for size in dict.fromkeys((None, signature.size)):
        content = (with_free_size(model) if size is None and signature.size else model).SerializeToString()
        for layout, channels in signature.forms:
            try:
                run = TrialNetwork(content, layout)
                geometry = fixed_geometry(run, channels, *size) if size else measure_geometry(run, channels)
            except ModelError as error:
                refusal = error if size or refusal is None else refusal
                continue
            values = measure_values(run, channels, geometry, overrides, _hint(model))
            return _conventions(signature, layout, channels, geometry, values)
    assert refusal is not None
    raise refusal


def _conventions(signature: Signature, layout: str, channels: int, geometry: Geometry, values: Values) -> Conventions:
    border, excess = _border(geometry)
    fixed = (geometry.height - 2 * border, geometry.width - 2 * border) if geometry.is_fixed else None
    return Conventions(
        scale=geometry.scale,
        channels="y" if channels == 1 else "bgr" if values.reversed else "rgb",
        output_reversed=values.output_reversed,
        input_range=values.input_range,
        output_range=values.output_range,
        input_dtype=signature.input_dtype,
        output_dtype=signature.output_dtype,
        layout=layout,
        size_multiple=geometry.multiple,
        size=fixed,
        declared_size=signature.size,
        border=border,
        excess=excess,
    )


def _border(geometry: Geometry) -> tuple[int, int]:
    """Input pixels to add on each side, and output pixels to remove then. Raises ModelError if sides differ."""
    if geometry.missing % 2:
        raise ModelError(f"its output lacks {geometry.missing} pixels, more on one side than on the other")
    border = -(-geometry.missing // (2 * geometry.scale))
    while 2 * border % geometry.multiple:
        border += 1
    return border, border * geometry.scale - geometry.missing // 2


def _hint(model: onnx.ModelProto) -> ValueRange | None:
    """The range of the output if the last operator limits it; None if it doesn't."""
    import onnx

    producers = {name: node for node in model.graph.node for name in node.output}
    last = producers.get(model.graph.output[0].name)
    while last is not None and last.op_type in ("Identity", "Cast", "Transpose", "DepthToSpace"):
        last = producers.get(last.input[0])
    if last is None or last.op_type != "Clip":
        return {"Tanh": SIGNED, "Sigmoid": UNIT}.get(last.op_type if last else "")
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    limits = [onnx.numpy_helper.to_array(constants[name]) for name in last.input[1:3] if name in constants]
    bounds = tuple(float(limit) for limit in limits)
    return next((known for known in (UNIT, BYTES, SIGNED) if bounds == (*known.black, *known.white)), None)


def _checked(content: bytes, conventions: Conventions) -> Checked:
    """Check the rewritten network."""
    run, white = TrialNetwork(content), kept_white(conventions)
    reverse = -1 if conventions.channels == "bgr" else 1

    def upscale(image: Pixels) -> Pixels:
        return run(image[::reverse] * white)[::reverse] / white

    multiple = conventions.size_multiple
    size = (-(-length // multiple) * multiple for length in (_CHECK_HEIGHT, _CHECK_WIDTH))
    return check_output(upscale, len(conventions.channels), conventions.scale, *(conventions.size or size))
