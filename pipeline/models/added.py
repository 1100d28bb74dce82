"""The models that the user has added: each is an ONNX file in the user's data folder, with a record of what was found.

Imports neither NumPy nor ONNX, so that a list of them is printed at once.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError, OutputError
from pipeline.system.data import data_folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


@dataclass(frozen=True)
class AddedModel:
    """A model that the user has added.

    Attributes:
        name: As `model` accepts it.
        scale: Output size divided by input size.
        parameters: Number of learned weights.
        licence: Licence of the weights, "unknown" if the file names none.
        description: One line about it.
        found: What its import found, for `uprez models show`.
    """

    name: str
    scale: int
    parameters: int
    licence: str
    description: str
    found: dict[str, Any]


def names() -> list[str]:
    """Names of the added models, sorted."""
    return sorted(path.stem for path in data_folder("models").glob("*.onnx") if _NAME.fullmatch(path.stem))


def model_path(name: str) -> Path:
    """The ONNX file of an added model."""
    return data_folder("models") / f"{name}.onnx"


def load(name: str) -> AddedModel:
    """The record of an added model. Raises ModelError if it is damaged."""
    path = _record_path(name)
    try:
        return AddedModel(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "damaged"
        raise ModelError(f"{path}: {reason}; remove the model and add it again") from error


def check_name(name: str) -> None:
    """Raise ModelError if a name is not allowed, or is that of an added model."""
    if not _NAME.fullmatch(name):
        raise ModelError(f"{name!r} can't be the name of a model: letters, digits and . _ + - are allowed, up to 64")
    if name in names():
        raise ModelError(f"there is a model called {name} already: choose another name, or remove it first")


def save(model: AddedModel, content: bytes) -> None:
    """Add a model, whose name was checked.

    Args:
        model: Its record.
        content: The ONNX file, in this project's conventions.

    Raises:
        OutputError: The files can't be written.
    """
    from pipeline.system.atomic_file import write_atomically  # slow to import, and not needed for a list

    folder = data_folder("models")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(_record_path(model.name), json.dumps(asdict(model), indent=1).encode())
        write_atomically(model_path(model.name), content)  # last: a model exists when its ONNX file does
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror}; set UPREZ_DATA to a folder you can write to") from error


def remove(name: str) -> None:
    """Remove an added model. Raises ModelError if there is none of this name, and OutputError if that fails."""
    if name not in names():
        known = ", ".join(names()) or "none was added"
        raise ModelError(f"no added model is called {name!r}: {known}")
    try:
        model_path(name).unlink()
        _record_path(name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{model_path(name)}: {error.strerror}") from error


def _record_path(name: str) -> Path:
    return data_folder("models") / f"{name}.json"
