"""Result files, such as pages and images: they appear when they are complete, and replace nothing unless requested."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import InputError, OutputError
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.writing.pending_file import PendingFile


def name_beside(source: Path, ending: str) -> Path:
    """The name of a file beside a source: NAME.ENDING. Raises InputError for a folder, which may have no name."""
    if os.path.isdir(source):
        raise InputError(f"{source}: is a folder; give the name of a file")
    return source.with_name(f"{source.stem}.{ending}")


def check_output_file(path: Path, inputs: Iterable[Path], overwrite: bool) -> None:
    """Check, before any work, that a file can be written.

    Args:
        path: The file.
        inputs: Files that it must not replace.
        overwrite: It may replace another file.

    Raises:
        OutputError: It can't be, or would replace one.
    """
    if os.path.isdir(path):  # Path.is_dir raises on names that are too long
        raise OutputError(f"{path}: is a folder; give the name of a file")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OutputError(f"{path}: is a device or pipe, which can't be replaced; give the name of a file")
    if not os.path.isdir(path.parent):
        raise OutputError(f"{path}: the folder {path.parent} does not exist: create it first")
    if os.path.exists(path) and any(os.path.exists(each) and os.path.samefile(each, path) for each in inputs):
        raise OutputError(f"{path}: is an input; give the output another name")
    if os.path.exists(path) and not overwrite:
        raise OutputError(f"{path}: exists already; `overwrite=True` replaces it")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: the folder {path.parent} is not writable: check its permissions or write elsewhere")


def write_output_file(path: Path, content: bytes, overwrite: bool) -> None:
    """Write a file completely or not at all. Raises OutputError."""
    pending = PendingFile(path)
    try:
        with translate_write_errors(path):
            pending.part.write_bytes(content)
        pending.commit(overwrite)
    finally:
        pending.discard()
