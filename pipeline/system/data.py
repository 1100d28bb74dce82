"""The data folder: what the user has added, which can't be made again."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path


def data_folder(kind: str) -> Path:
    """The data folder for files of one kind, which need not exist.

    The root is the system's data folder for this application, or the folder named by the environment variable
    UPREZ_DATA.

    Args:
        kind: Name of the subfolder, such as "models".
    """
    override = os.environ.get("UPREZ_DATA")
    return (Path(override) if override else user_data_path("uprez")) / kind
