"""Standard streams whose failure ends no work: a closed terminal, a reader that has ended, a full disk."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import Any, TextIO

_LAST_STANDARD = 2  # the descriptor of standard error
_FULL_PIPE_MS = 1000  # a non-blocking pipe whose reader takes nothing for so long loses text


class TolerantFile(io.FileIO):
    """A file descriptor, not closed at the end; what can't be written to it is dropped.

    Attributes:
        error: The first error of writing; None if everything was written.
    """

    def __init__(self, fd: int) -> None:
        super().__init__(fd, "w", closefd=False)
        self.error: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write some of `data`, bytes or a view of them, and return how many need not be written again."""
        try:
            written = super().write(data)
            if written is None and _is_writable(self.fileno()):
                written = super().write(data)
        except OSError as error:
            self.error = self.error or error
            return len(data)
        return len(data) if written is None else written


def install_tolerant_streams() -> None:
    """Replace sys.stdout and sys.stderr by streams that never raise, whatever a terminal or a reader does.

    Characters that the encoding lacks are escaped. Standard descriptors that are closed are opened as os.devnull: the
    next file that the process opens would get their number, and what libraries print would be written into it.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) <= _LAST_STANDARD:
        os.set_inheritable(fd, True)
    os.close(fd)
    sys.stdout = _tolerant(sys.stdout, 1)
    sys.stderr = _tolerant(sys.stderr, 2)


def take_write_error(stream: TextIO) -> OSError | None:
    """The first error of writing to `stream` since the last call; None if there was none, or it isn't tolerant."""
    stream.flush()
    file = getattr(getattr(stream, "buffer", None), "raw", None)
    if not isinstance(file, TolerantFile):
        return None
    error, file.error = file.error, None
    return error


def _tolerant(stream: TextIO | None, fd: int) -> TextIO:
    buffer = getattr(stream, "buffer", None)
    if stream is not None and not isinstance(getattr(buffer, "raw", buffer), io.FileIO):  # a Windows console
        return stream
    if stream is not None:
        fd = stream.fileno()
    encoding = stream.encoding if stream else "utf-8"
    return text_stream(TolerantFile(fd), encoding)


def text_stream(file: TolerantFile, encoding: str = "utf-8") -> TextIO:
    """A stream of lines that are written to `file`."""
    buffer: io.BufferedWriter[Any] = io.BufferedWriter(file)
    return io.TextIOWrapper(buffer, encoding, errors="backslashreplace", line_buffering=True)


def _is_writable(fd: int) -> bool:
    """Whether `fd`, which is non-blocking, accepts data within a second."""
    return bool(select.select([], [fd], [], _FULL_PIPE_MS / 1000)[1])
