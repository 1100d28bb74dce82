"""Import of a model file of any known kind: an ONNX file in this project's conventions, and what was found.

    from pipeline.models.importing.importer import import_model

    imported = import_model(Path("their.onnx"))
    imported.path           # an .onnx file for `inspect_model`: the file itself, or one in the user's cache
    imported.conventions    # what the network expected before it was rewritten

A file is examined once; the record of it is cached under the digests of all files that were read.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import logging
import secrets
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError, OutputError
from pipeline.models.importing.child import examine_in_child
from pipeline.models.importing.conventions import Conventions, Overrides
from pipeline.models.importing.external_data import file_digest
from pipeline.system.cache import cache_folder, read_record, write_record

log = logging.getLogger(__name__)

IMPORT_VERSION = 2  # raise it when an examination finds other conventions, or rewrites a network in another way
_STEM = 40  # characters of a file's name that the name of its rewritten network begins with


@dataclass(frozen=True)
class ImportedModel:
    """A model file in this project's conventions.

    Attributes:
        path: An .onnx file for `inspect_model`: the file itself, if it needs no rewriting.
        conventions: The conventions of the network as it was.
        shift: How far its output is displaced to the right and to the bottom, in input pixels.
        error: Root mean square of the difference from a synthetic photograph, of white.
    """

    path: Path
    conventions: Conventions
    shift: tuple[float, float]
    error: float

    def found(self) -> dict[str, Any]:
        """What was found, for a JSON file."""
        return {"conventions": self.conventions.to_json(), "shift": self.shift, "error": self.error}


def import_model(path: Path, overrides: Overrides | None = None) -> ImportedModel:
    """Examine and rewrite a model file, or find the result in the cache.

    Args:
        path: A file whose suffix is one of `READERS`.
        overrides: What the user states of the network.

    Raises:
        ModelError: In one line: the file, what is wrong with it, and what is supported.
    """
    overrides = overrides or Overrides()
    try:
        key = _key(path, overrides)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; `uprez models` lists the models that uprez knows") from error
    try:
        folder = cache_folder("models")
    except OutputError as error:
        log.warning("the import of %s is not cached: %s", path.name, error)
        folder = _temporary_folder()
    record, rewritten = folder / f"import.{key}.json", folder / f"{path.stem[:_STEM]}.{key}.onnx"
    facts = _load_record(record, path, rewritten)
    if facts is None:
        log.warning("examining %s: seconds, once", path.name)
        facts = _examine(path, overrides, rewritten)
        write_record(record, facts)
    return ImportedModel(
        rewritten if facts["is_rewritten"] else path,
        Conventions.from_json(facts["conventions"]),
        tuple(facts["shift"]),
        facts["error"],
    )


@functools.cache
def _temporary_folder() -> Path:
    """The folder of this process for rewritten networks that can't be cached, which is removed when it exits."""
    folder = Path(tempfile.mkdtemp(prefix="uprez-models-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _examine(path: Path, overrides: Overrides, rewritten: Path) -> dict[str, Any]:
    part = rewritten.with_name(f"{rewritten.name}.{secrets.token_hex(4)}.part")
    try:
        facts = examine_in_child(path, overrides, part)
        if facts["is_rewritten"]:
            facts["sha256"] = file_digest(part)
            part.replace(rewritten)
        return facts
    finally:
        part.unlink(missing_ok=True)


def _key(path: Path, overrides: Overrides) -> str:
    """Digest of everything that an import depends on, except companions. The file's name is that of the model."""
    content = file_digest(path)
    known = [IMPORT_VERSION, path.stem, path.suffix.lower(), asdict(overrides), content]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:32]


def _load_record(record: Path, path: Path, rewritten: Path) -> dict[str, Any] | None:
    """The facts in a record; None if there is none, or if a file is not what it was."""
    facts: dict[str, Any] | None = read_record(record)
    if facts is None:
        return None
    try:
        if any(file_digest(path.parent / name) != digest for name, digest in facts["companions"].items()):
            return None
        if facts["is_rewritten"] and file_digest(rewritten) != facts["sha256"]:
            return None
        Conventions.from_json(facts["conventions"])
        return facts
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
