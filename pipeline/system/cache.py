"""The cache folders: engines, compiled kernels, generated and converted models, and inspection records.

Everything in them can be made again, so they may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from pipeline.errors import OutputError
from pipeline.system.atomic_file import write_atomically

log = logging.getLogger(__name__)


def cache_folder(kind: str) -> Path:
    """Return the cache folder for files of one kind, creating it if necessary.

    The folder is private to the user (mode 0700), because some cached files are executable. The root is the system's
    cache folder for this application, or the folder named by the environment variable UPREZ_CACHE.

    Args:
        kind: Name of the subfolder, such as "engines".

    Raises:
        OutputError: The folder can't be created or made private, or it belongs to another user.
    """
    override = os.environ.get("UPREZ_CACHE")
    folder = (Path(override) if override else user_cache_path("uprez")) / kind
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not is_own(folder):
            raise OutputError(f"{folder}: belongs to another user; set UPREZ_CACHE to a folder of your own")
        folder.chmod(0o700)
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror}; set UPREZ_CACHE to a folder you can write to") from error
    return folder


def is_own(path: Path) -> bool:
    """Whether a file or folder belongs to this user, who alone may have written what is executed. Raises OSError."""
    return not hasattr(os, "geteuid") or path.stat().st_uid == os.geteuid()


def read_executable(path: Path) -> bytes:
    """The content of a cached file that will be executed. Raises OSError, also if it belongs to another user."""
    if not is_own(path):
        raise PermissionError(f"{path} belongs to another user")
    return path.read_bytes()


@contextmanager
def cache_lock(path: Path) -> Iterator[None]:
    """A context in which no other process holds the lock file `path`, so that one makes a cached file and others wait.

    Where the file can't be made, on a full disk or in a folder that is read-only, there is no lock: several processes
    may do the same work. Writing what they make warns of the reason, see `write_cached`.
    """
    from filelock import FileLock  # slow to import, and not needed for a list

    with ExitStack() as held:
        try:
            held.enter_context(FileLock(path))
        except (OSError, NotImplementedError) as error:  # NotImplementedError: a file system without locks
            log.debug("%s can't be locked: %s", path, error)
        yield


def write_cached(path: Path, content: bytes) -> None:
    """Write a cache file. A failure is logged as a warning, since the content can be made again."""
    try:
        write_atomically(path, content)
    except OSError as error:
        log.warning("%s could not be cached (%s): it will be made again next time", path.name, error.strerror)


def write_record(path: Path, facts: Any) -> None:
    """Write facts, of JSON types, to a cache file, with their digest. A failure is logged as a warning."""
    write_cached(path, record_bytes(facts))


def record_bytes(facts: Any) -> bytes:
    """Facts, of JSON types, with their digest, as `read_record` reads them."""
    return json.dumps({"facts": facts, "sum": _digest(facts)}, indent=1).encode()


def read_record(path: Path) -> Any:
    """The facts that `write_record` wrote; None if the file is missing, or was damaged or edited."""
    try:
        content = json.loads(path.read_bytes())
        return content["facts"] if content["sum"] == _digest(content["facts"]) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _digest(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
