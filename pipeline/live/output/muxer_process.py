"""The program of a child that writes an output: `python -m pipeline.live.output.muxer_process`.

It takes an Open, answers Opened or Lost, and then answers each SerializedPacket with Written, until it is Lost.
Another Open ends what is open, properly; so does the end of its input, after which it ends itself. A thread takes
messages in, so that the parent never waits for FFmpeg.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from queue import SimpleQueue
from typing import Any

import av

from pipeline.live.output.hls import Playlist
from pipeline.live.output.muxer import Full, Muxer
from pipeline.live.output.segments import OpenSegments, Segments
from pipeline.live.output.send_buffer import limit_backlog
from pipeline.live.process.child import Gone, Parent, limited, serve
from pipeline.live.process.messages import Lost, Open, Opened, Written
from pipeline.live.process.network_errors import network_fault

_LONGEST_END = 5.0  # seconds to finish in when the parent is gone
_LONGEST_CALL = 15  # seconds; the parent is less patient

_DISK = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.ENOENT: "the folder, or the file in it, is gone",
    errno.EACCES: "the folder may not be written to",
    errno.EPERM: "the folder may not be written to",
    errno.EROFS: "the disk may not be written to",
}

_FAILURES = (av.error.FFmpegError, OSError, ValueError)


def main(parent: Parent) -> None:
    """Do what the parent says, until it says no more."""
    inbox: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_take_in, args=(parent, inbox), daemon=True).start()
    output: Muxer | Playlist | Segments | None = None
    wanted: Open | None = None
    while (message := inbox.get()) is not None:
        try:
            if isinstance(message, Open):
                before, output, wanted = output, None, message
                _end(before)
                output = _opened(wanted)
                parent.send(Opened(notes=tuple(output.notes)))
            elif output:
                parent.send(Written(output.mux(message)))
        except _FAILURES as error:
            parent.send(_lost(error, wanted))
            failed, output = output, None
            with contextlib.suppress(*_FAILURES):
                _end(failed)
    with contextlib.suppress(*_FAILURES):
        _end(output)


def _take_in(parent: Parent, inbox: SimpleQueue[Any]) -> None:
    try:
        while True:
            inbox.put(parent.receive())
    except Gone:
        inbox.put(None)
    time.sleep(_LONGEST_END)
    os._exit(1)


def _opened(wanted: Open) -> Muxer | Playlist | Segments:
    with limited(_LONGEST_CALL):
        if isinstance(wanted, OpenSegments):
            return Segments(wanted)
        if wanted.format == "hls":
            return Playlist(wanted)
        output = Muxer(wanted)
        limit_backlog()
        return output


def _end(output: Muxer | Playlist | Segments | None) -> None:
    if output:
        with limited(_LONGEST_CALL):
            output.close()


def _lost(error: Exception, wanted: Open | None) -> Lost:
    if isinstance(error, Full):
        return Lost("ended", str(error))
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return Lost("broken", "its container can't hold such video: choose another --codec")
    if wanted is not None and (isinstance(wanted, OpenSegments) or wanted.address.startswith("file:")):
        words = _DISK.get(getattr(error, "errno", None) or 0)
        return Lost("broken", words or str(getattr(error, "strerror", None) or type(error).__name__))
    if isinstance(error, av.error.InvalidDataError):
        return Lost("broken", "the server doesn't take this stream")
    return Lost(*network_fault(error, verified=wanted is not None and "tls_verify" in wanted.options))


if __name__ == "__main__":
    serve(main)
