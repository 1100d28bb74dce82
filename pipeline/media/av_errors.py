"""Where PyAV's errors become the project's: one line each, and what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.error

from pipeline.errors import InputError, OutputError

_STILLS = (b"heic", b"heix", b"mif1", b"msf1", b"avif")  # brands of pictures in the boxes of mp4
_DISGUISES = {b"#EXTM3U": "a playlist", b"ffconcat": "a concat script", b"<?xml": "an XML file", b"v=0": "an SDP file"}


@contextmanager
def translate_read_errors(path: Path, place: str = "") -> Iterator[None]:
    """Raise InputError, naming `path`, for whatever PyAV raises inside; `place`: where in the file, once it is open."""
    try:
        yield
    except av.error.FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except av.error.PermissionError as error:
        raise InputError(f"{path}: may not be read: check its permissions") from error
    except av.error.IsADirectoryError as error:
        raise InputError(f"{path}: is a folder, not a file") from error
    except (av.error.InvalidDataError, av.error.ArgumentError, av.error.EOFError) as error:
        reason = f"is damaged {place}: {_reason(error)}" if place else _not_a_video(path)
        raise InputError(f"{path}: {reason}") from error
    except av.error.FFmpegError as error:
        raise InputError(f"{path}: {_reason(error)}") from error


def _not_a_video(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        return str(error.strerror)
    if start[4:8] == b"ftyp" and start[8:12] not in _STILLS:
        return "has no index: it is cut off, or was never finished; without one, none of it can be found"
    head = start.lstrip(b"\xef\xbb\xbf \r\n\t")
    for mark, name in _DISGUISES.items():
        if head.startswith(mark):
            return f"is {name}, which could name any other file: give the videos themselves"
    return "is not a video that can be read (damaged, cut off or of another kind)"


@contextmanager
def translate_write_errors(path: Path) -> Iterator[None]:
    """Raise OutputError, naming `path`, for whatever PyAV or the system raises inside."""
    try:
        yield
    except OSError as error:  # PyAV's errors that have an errno are OSErrors too
        if error.errno == errno.ENOSPC:
            raise OutputError(f"{path}: the disk is full: free some space or write elsewhere") from error
        if error.errno == errno.ENOENT:
            raise OutputError(f"{path}: the folder {path.parent} does not exist: make it first") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise OutputError(f"{path}: the folder {path.parent} may not be written to") from error
        raise OutputError(f"{path}: {_reason(error)}") from error
    except av.error.FFmpegError as error:
        raise OutputError(f"{path}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).splitlines()[0]
