"""Video that comes through a pipe, such as standard input: it can be read once, and is looked into before."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from pathlib import Path
from typing import Self, TextIO

import av
import av.error
from av.container import InputContainer

from pipeline.errors import InputError, OutputError

PIPE_NAME = Path("-")  # how users name standard input, and standard output

_PIPE_BYTES = 1 << 20  # the most that Linux gives everybody; its 64 KiB cost a third of the rate
_WAKE_MS = 200
_HEAD_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 20  # that FFmpeg asks for at a time; whole frames of y4m go past it


def is_pipe(path: Path) -> bool:
    """Whether `path` is how users name standard input or output."""
    return path == PIPE_NAME


class Pipe:
    """The reading end of a pipe, as a file for `av.open`.

    What is read before `rewound` is kept, and comes once more after it. fd: an open file descriptor.
    bytes_read: how many bytes came out of it. head: the first of them.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.bytes_read = 0
        self.head = b""
        self._kept: bytearray | None = bytearray()
        self._again = memoryview(b"")
        self._ended = threading.Event()
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN | select.POLLHUP)
        enlarge_pipe_buffer(fd)

    @classmethod
    def standard_input(cls) -> Self:
        """Raises InputError where that is a terminal, or closed."""
        fd = _descriptor(sys.stdin)
        if fd is None:
            raise InputError(
                "-: nothing is piped in; `ffmpeg -i in.mp4 -f yuv4mpegpipe - | uprez upscale - out.mkv` is"
            )
        return cls(fd)

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, as soon as there are any; none at the end."""
        if self._again:
            head, self._again = bytes(self._again[:size]), self._again[size:]
            return head
        data = self._next(size)
        self.bytes_read += len(data)
        if len(self.head) < _HEAD_BYTES:
            self.head += data[:_HEAD_BYTES]
        if self._kept is not None:
            self._kept += data
        return data

    def rewind(self) -> Self:
        """This pipe as it was before the first `read`. From now on nothing is kept."""
        if self._kept is None:
            raise InputError("-: can be read only once")
        self._again, self._kept = memoryview(bytes(self._kept)), None
        return self

    def stop(self) -> None:
        """Give nothing more, whatever is still to come, and end a `read` that waits. Called from any thread."""
        self._ended.set()

    def _next(self, size: int) -> bytes:
        while not self._ended.is_set():
            if self._poll.poll(_WAKE_MS):
                try:
                    return os.read(self._fd, size)
                except OSError as error:
                    raise InputError(f"-: can't be read ({error.strerror})") from error
        return b""


def open_pipe(pipe: Pipe, containers: tuple[str, ...] | list[str]) -> InputContainer:
    """What comes through `pipe`, which must be one of `containers`, by FFmpeg's names. Raises InputError."""
    try:
        return av.open(pipe, "r", options={"format_whitelist": ",".join(containers)}, buffer_size=_BUFFER_BYTES)
    except av.error.FFmpegError as error:
        raise InputError("-: is no video that can be read from a pipe; y4m, mkv, ts and nut can") from error


def standard_output() -> int:
    """The descriptor that video is written to. Raises OutputError where that is a terminal, or closed."""
    fd = _descriptor(sys.__stdout__)
    if fd is None:
        raise OutputError("-: nobody reads; `uprez upscale in.mp4 - | ffmpeg -i - out.mkv` does")
    enlarge_pipe_buffer(fd)
    return fd


def _descriptor(stream: TextIO | None) -> int | None:
    """What stands behind a standard stream, if that is there and no terminal."""
    try:
        return None if stream is None or stream.isatty() else stream.fileno()
    except ValueError:  # it is closed, or somebody put something else in its place
        return None


def enlarge_pipe_buffer(fd: int) -> None:
    """Let a pipe hold more at a time, where the system can do that."""
    with contextlib.suppress(ImportError, AttributeError, OSError):  # not Linux; no pipe; no more room for this user
        import fcntl

        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
