"""Where things lie that can be made again: engines, generated models."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from pipeline.errors import OutputError


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
