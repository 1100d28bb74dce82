"""External data of ONNX files: tensors whose values are stored in other files, as PyTorch's exporter writes them.

A file names these files itself, so it could name any file of this machine. Only files inside the model's own folder are
read, after symbolic links were resolved, and no hard links, which could be files from elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ModelError
from pipeline.models.spec import LARGEST_MODEL

if TYPE_CHECKING:
    import onnx


def merge_external_data(model: onnx.ModelProto, path: Path) -> dict[str, str]:
    """Read all external data of `model`, the content of `path`, into it.

    Returns:
        The SHA-256 digest of each file that was read, by its name relative to the model's folder.

    Raises:
        ModelError: Without the model's name: a file is outside of the folder, a hard link, missing or too short, or the
            model becomes too large.
    """
    digests: dict[str, str] = {}
    total = 0
    for tensor in _tensors(model):
        if tensor.data_location != _external():
            continue
        facts = {entry.key: entry.value for entry in tensor.external_data}
        source = _checked_path(path, facts.get("location", ""))
        offset, length = _part(source, facts)
        total += length
        if total > LARGEST_MODEL:
            raise ModelError("larger than 2 GB with its external data; up to 2 GB is supported")
        with source.open("rb") as file:
            file.seek(offset)
            tensor.raw_data = file.read(length)
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
        name = facts["location"]
        if name not in digests:
            digests[name] = file_digest(source)
    return digests


def file_digest(path: Path) -> str:
    """The SHA-256 digest of a file's content, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _external() -> Any:
    import onnx

    return onnx.TensorProto.EXTERNAL


def _checked_path(model: Path, location: str) -> Path:
    """The file that `location` names. Raises ModelError if it is not a file of the model's own folder."""
    if not location:
        raise ModelError("a tensor's external data has no location: the file is damaged")
    named = model.parent / location
    try:
        real = named.resolve(strict=True)
        facts = os.stat(real)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise ModelError(f"its external data {location!r} can't be read ({reason})") from error
    folders = (model.parent.resolve(), model.resolve().parent)
    inside = not Path(location).is_absolute() and any(real.is_relative_to(folder) for folder in folders)
    if not inside:
        raise ModelError(
            f"its external data {location!r} is outside of the model's folder, and is not read: "
            "put both files into one folder"
        )
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:
        kind = "a hard link" if stat.S_ISREG(facts.st_mode) else "not a file"
        raise ModelError(f"its external data {location!r} is {kind}, and is not read: copy it")
    return real


def _part(source: Path, facts: dict[str, str]) -> tuple[int, int]:
    """Offset and length of a tensor's values in `source`."""
    size = source.stat().st_size
    try:
        offset = int(facts.get("offset", "0"))
        length = int(facts.get("length", str(size - offset)))
    except ValueError:
        offset, length = -1, 0
    if not 0 <= offset <= offset + length <= size:
        raise ModelError(f"its external data {source.name!r} has {size} bytes, fewer than the model needs")
    return offset, length


def _tensors(message: Any) -> Iterator[onnx.TensorProto]:
    """All tensors in a message, in subgraphs, functions and attributes too."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for child in value if _is_repeated(value) else (value,):
            if field.message_type.full_name == "onnx.TensorProto":
                yield child
            elif field.message_type.full_name not in ("onnx.ValueInfoProto", "onnx.TypeProto"):
                yield from _tensors(child)


def _is_repeated(value: Any) -> bool:
    return not hasattr(value, "ListFields")
