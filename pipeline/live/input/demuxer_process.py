"""The program of a child that reads a source: `python -m pipeline.live.input.demuxer_process`.

It takes an OpenSource, answers Opened and then SerializedPackets, and at the end Lost; or Lost at once. Then it waits
waits for the next. Where its input ends, it ends what is open and itself. A thread takes messages in, as FFmpeg may
block for ever.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from queue import SimpleQueue

import av.error

from pipeline.errors import InputError
from pipeline.live.input.demuxer import Changed, Demuxed
from pipeline.live.input.webcam import Grabbed
from pipeline.live.process.child import Gone, Parent, limited, serve
from pipeline.live.process.messages import Lost, Opened, OpenSource
from pipeline.live.process.network_errors import network_fault

_POLITE_SECONDS = 0.3  # to tell a server that this is the end, before this process ends
_KNOCK_SECONDS = 1.0
_LONGEST_CLOSE = 5  # seconds; the parent is less patient

_FAILURES = (av.error.FFmpegError, OSError, ValueError, InputError)


def main(parent: Parent) -> None:
    """Read what the parent names, until it names nothing more."""
    inbox: SimpleQueue[OpenSource | None] = SimpleQueue()
    ending = threading.Event()
    threading.Thread(target=_take_in, args=(parent, inbox, ending), daemon=True).start()
    while (wanted := inbox.get()) is not None:
        parent.send(_read(wanted, parent, ending))


def _take_in(parent: Parent, inbox: SimpleQueue[OpenSource | None], ending: threading.Event) -> None:
    try:
        while True:
            inbox.put(parent.receive())
    except Gone:
        ending.set()
        inbox.put(None)
    threading.Event().wait(_POLITE_SECONDS)
    os._exit(1)


def _read(wanted: OpenSource, parent: Parent, ending: threading.Event) -> Lost:
    """Send all that comes; what it ended with."""
    source: Demuxed | Grabbed | None = None
    began = time.monotonic()
    try:
        source = _opened(wanted, ending)
        parent.send(Opened(source.streams, source.notes))
        for parcel in source:
            parent.send(parcel)
            if ending.is_set():
                break
        return Lost("ended", "it came to its end")
    except Changed as error:
        return Lost("changed", str(error))
    except _FAILURES as error:
        if (
            source and getattr(error, "errno", None) == errno.EIO
        ):  # FFmpeg's word for a stream over HTTP that is cut off
            return Lost("ended", "it closed the connection")
        waited = 0.0 if source else time.monotonic() - began
        return _lost(error, wanted, in_vain=waited >= wanted.silence)
    finally:
        if source:
            with limited(_LONGEST_CLOSE):
                source.close()


def _opened(wanted: OpenSource, ending: threading.Event) -> Demuxed | Grabbed:
    if wanted.knocks and wanted.host:
        socket.create_connection(wanted.host, _KNOCK_SECONDS).close()
    try:
        return Demuxed(wanted, ending)
    except _FAILURES as error:
        if wanted.camera is None:
            raise
        try:
            return Grabbed(wanted.camera)
        except InputError:
            raise error from None  # what FFmpeg says tells more


def _lost(error: Exception, wanted: OpenSource, in_vain: bool) -> Lost:
    """in_vain: whether an answer was waited for until now; FFmpeg calls none from an RTSP server invalid data."""
    if isinstance(error, InputError):
        return Lost("broken", str(error))
    if in_vain and isinstance(error, av.error.InvalidDataError):
        return Lost(*network_fault(TimeoutError()))
    return Lost(*network_fault(error, verified="tls_verify" in wanted.options))


if __name__ == "__main__":
    serve(main)
