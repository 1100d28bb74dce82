"""Translation of PyAV's errors to the project's: one line each, with what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.error

from pipeline.errors import InputError, OutputError, error_summary

_IMAGE_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif")  # of still images in boxes like mp4's
_TEXT_FORMATS = {  # by their first bytes: FFmpeg would read them, but they can name any other file
    b"#EXTM3U": "a playlist",
    b"ffconcat": "a concat script",
    b"<?xml": "an XML file",
    b"v=0": "an SDP file",
}


@contextmanager
def translate_read_errors(path: Path, place: str = "") -> Iterator[None]:
    """A context that raises InputError for every error of PyAV's.

    Args:
        path: The file that is read, for the message.
        place: Where in the file, such as "at its beginning", once it is open; "" while it is opened.
    """
    try:
        yield
    except av.error.FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except av.error.PermissionError as error:
        raise InputError(f"{path}: can't be read, permission denied: check its permissions") from error
    except av.error.IsADirectoryError as error:
        raise InputError(f"{path}: is a folder, not a file") from error
    except (av.error.InvalidDataError, av.error.ArgumentError, av.error.EOFError) as error:
        reason = f"is damaged {place}: {_first_line(error)}" if place else _not_a_video_reason(path)
        raise InputError(f"{path}: {reason}") from error
    except av.error.FFmpegError as error:
        raise InputError(f"{path}: {_first_line(error)}") from error


def _not_a_video_reason(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        return str(error.strerror)
    if head[4:8] == b"ftyp" and head[8:12] not in _IMAGE_BRANDS:
        return "has no index, without which no frame can be located: it is cut off, or was never finished"
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    for mark, name in _TEXT_FORMATS.items():
        if text.startswith(mark):
            return f"is {name}, which can name any other file: name the videos themselves"
    return "is not a video that can be read (damaged, cut off or of another kind)"


@contextmanager
def translate_write_errors(path: Path) -> Iterator[None]:
    """A context that raises OutputError for every error of PyAV's and of the system.

    Args:
        path: The file that is written, for the message.
    """
    try:
        yield
    except OSError as error:  # PyAV's errors with an errno are OSErrors too
        if error.errno == errno.ENOSPC:
            raise OutputError(f"{path}: the disk is full: free some space or write elsewhere") from error
        if error.errno == errno.EDQUOT:
            raise OutputError(f"{path}: your disk quota is used up: free some space or write elsewhere") from error
        if error.errno == errno.EFBIG:
            reason = "the file system allows no file of this size (FAT32: 4 GB)"
            raise OutputError(f"{path}: {reason}: write elsewhere") from error
        if error.errno == errno.ENOENT:
            raise OutputError(f"{path}: the folder {path.parent} does not exist: make it first") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise OutputError(
                f"{path}: the folder {path.parent} is not writable: check its permissions or write elsewhere"
            ) from error
        raise OutputError(f"{path}: {_first_line(error)}") from error
    except av.error.FFmpegError as error:
        raise OutputError(f"{path}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error_summary(error)).splitlines()[0]
