"""Where things lie that can be made again: engines, kernels, models that were made or converted, facts about models."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

from platformdirs import user_cache_path

from pipeline.errors import OutputError

log = logging.getLogger(__name__)


def cache_folder(kind: str) -> Path:
    """The folder for `kind`, made if need be and private to the user: what lies in it may be executed.

    The root is the system's cache folder, or UPREZ_CACHE if that is set.
    """
    override = os.environ.get("UPREZ_CACHE")
    folder = (Path(override) if override else user_cache_path("uprez")) / kind
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror}; set UPREZ_CACHE to a folder you can write to") from error
    return folder


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, whoever else may be writing it. Raises OSError."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def keep(path: Path, content: bytes) -> None:
    """Write a file that can be made again. Where that fails, work goes on, with one line said."""
    try:
        write_whole(path, content)
    except OSError as error:
        log.warning("%s could not be kept (%s): it will be made anew next time", path.name, error.strerror)
