"""Video through pipes, such as standard input, which can be read only once."""

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
from pipeline.media.reading.text_tags import UNDECODED, decode_tags

PIPE_NAME = Path("-")  # standard input, or standard output, as users name it

_PIPE_BYTES = 1 << 20  # allowed by Linux without privileges; its default, 64 KiB, costs a third of the frame rate
_POLL_MS = 200
_HEAD_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 20  # of a read by FFmpeg; complete frames of y4m bypass it


def is_pipe(path: Path) -> bool:
    """Return True if `path` names standard input or output."""
    return path == PIPE_NAME


class Pipe:
    """The reading end of a pipe, as a file object for `av.open`.

    It can be rewound once: everything that is read before `rewind` is kept, and read again after it.

    Args:
        fd: An open file descriptor, which is not closed here.

    Attributes:
        bytes_read: How many bytes were read from the descriptor.
        head: The first of them, up to 64 KiB or somewhat more.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.bytes_read = 0
        self.head = b""
        self._recorded: bytearray | None = bytearray()
        self._replay = memoryview(b"")
        self._stopped = threading.Event()
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN | select.POLLHUP)
        enlarge_pipe_buffer(fd)

    @classmethod
    def standard_input(cls) -> Self:
        """The pipe at standard input.

        Raises:
            InputError: Standard input is a terminal, or closed.
        """
        fd = _descriptor(sys.stdin)
        if fd is None:
            raise InputError(
                "-: standard input is not a pipe; try `ffmpeg -i in.mp4 -f yuv4mpegpipe - | uprez upscale - out.mkv`"
            )
        return cls(fd)

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, as soon as there are any; b"" at the end."""
        if self._replay:
            data, self._replay = bytes(self._replay[:size]), self._replay[size:]
            return data
        data = self._read_descriptor(size)
        self.bytes_read += len(data)
        if len(self.head) < _HEAD_BYTES:
            self.head += data[:_HEAD_BYTES]
        if self._recorded is not None:
            self._recorded += data
        return data

    def rewind(self) -> Self:
        """Go back to the beginning, and stop recording.

        Raises:
            InputError: It was rewound before.
        """
        if self._recorded is None:
            raise InputError("-: a pipe can be read only once: save it as a file first")
        self._replay, self._recorded = memoryview(bytes(self._recorded)), None
        return self

    def stop(self) -> None:
        """End the stream here, and wake a `read` that waits. Called from any thread."""
        self._stopped.set()

    def _read_descriptor(self, size: int) -> bytes:
        while not self._stopped.is_set():
            if self._poll.poll(_POLL_MS):
                try:
                    return os.read(self._fd, size)
                except OSError as error:
                    raise InputError(f"-: can't be read ({error.strerror})") from error
        return b""


def open_pipe(pipe: Pipe, demuxers: list[str]) -> InputContainer:
    """Open `pipe` as a container that one of FFmpeg's `demuxers` recognises.

    Raises:
        InputError: None of them does.
    """
    try:
        options = {"format_whitelist": ",".join(demuxers)}
        return decode_tags(av.open(pipe, "r", options=options, buffer_size=_BUFFER_BYTES, metadata_errors=UNDECODED))
    except av.error.FFmpegError as error:
        raise InputError("-: is not a video that can be read from a pipe; y4m, mkv, ts and nut are") from error


def standard_output() -> int:
    """The descriptor of standard output, to which video is written.

    Raises:
        OutputError: Standard output is a terminal, or closed.
    """
    fd = _descriptor(sys.__stdout__)
    if fd is None:
        raise OutputError("-: standard output is not a pipe; try `uprez upscale in.mp4 - | ffmpeg -i - out.mkv`")
    enlarge_pipe_buffer(fd)
    return fd


def _descriptor(stream: TextIO | None) -> int | None:
    """The descriptor of a standard stream; None if it is a terminal, closed or replaced by another object."""
    try:
        return None if stream is None or stream.isatty() else stream.fileno()
    except ValueError:  # closed, or an object without a descriptor
        return None


def enlarge_pipe_buffer(fd: int) -> None:
    """Enlarge the kernel's buffer of a pipe, where the system supports it."""
    with contextlib.suppress(ImportError, AttributeError, OSError):  # not Linux; not a pipe; over the quota
        import fcntl

        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
