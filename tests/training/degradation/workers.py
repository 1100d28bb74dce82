"""The processes of a set of pairs, told from other children of the tests, such as multiprocessing's."""

from pathlib import Path

import psutil


def workers(folder: Path) -> list[psutil.Process]:
    """Children of this process whose command names a path in `folder`."""
    return [child for child in psutil.Process().children() if str(folder) in " ".join(_command(child))]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # it ended meanwhile
        return []
