"""Files that are written completely or not at all, and names that are on the disk for good."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def write_atomically(path: Path, content: bytes, durable: bool = False) -> None:
    """Write a file completely or not at all, even if other processes write the same file.

    Args:
        path: The file.
        content: What it will contain.
        durable: Synchronise it with the disk before it gets its name, so that a power cut leaves it complete too.

    Raises:
        OSError: It can't be written; an earlier file is unchanged.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(content)
        if durable:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names of files in `folder` durable, where the system can."""
    with contextlib.suppress(OSError):  # Windows opens no folders, and some file systems can't synchronise them
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
