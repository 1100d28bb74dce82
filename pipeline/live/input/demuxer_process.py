"""The program of a child that reads a source: `python -m pipeline.live.input.demuxer_process`.

It receives a SourceRequest, sends ConnectionOpened and SerializedPackets, and ConnectionLost at the end; or only
ConnectionLost. Then it waits for the next request. At the end of its input it closes the source and ends. A thread
receives messages, as FFmpeg may block for ever.
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
from pipeline.live.input.demuxer import DemuxedSource, StreamsChanged
from pipeline.live.input.webcam import OpenCvCamera
from pipeline.live.process.child import Parent, ProcessEnded, limited, serve
from pipeline.live.process.messages import ConnectionLost, ConnectionOpened, SourceRequest
from pipeline.live.process.network_errors import network_fault

_DISCONNECT_SECONDS = 0.3  # to close the connection to a server before this process ends
_CHECK_HOST_SECONDS = 1.0
_CLOSE_SECONDS = 5  # after which the system ends the process; the parent kills it sooner

_FAILURES = (av.error.FFmpegError, OSError, ValueError, InputError)


def main(parent: Parent) -> None:
    """Read the sources that the parent requests, until it requests no more."""
    inbox: SimpleQueue[SourceRequest | None] = SimpleQueue()
    ending = threading.Event()
    threading.Thread(target=_receive, args=(parent, inbox, ending), daemon=True).start()
    while (request := inbox.get()) is not None:
        parent.send(_read(request, parent, ending))


def _receive(parent: Parent, inbox: SimpleQueue[SourceRequest | None], ending: threading.Event) -> None:
    try:
        while True:
            inbox.put(parent.receive())
    except ProcessEnded:
        ending.set()
        inbox.put(None)
    time.sleep(_DISCONNECT_SECONDS)
    os._exit(1)


def _read(request: SourceRequest, parent: Parent, ending: threading.Event) -> ConnectionLost:
    """Send all packets of a source, and return how the connection ended."""
    source: DemuxedSource | OpenCvCamera | None = None
    began = time.monotonic()
    try:
        source = _opened(request, ending)
        parent.send(ConnectionOpened(source.streams, source.notes))
        for packet in source:
            parent.send(packet)
            if ending.is_set():
                break
        return ConnectionLost("ended", "the source has ended")
    except StreamsChanged as error:
        return ConnectionLost("changed", str(error))
    except _FAILURES as error:
        if source and getattr(error, "errno", None) == errno.EIO:  # FFmpeg's error for an HTTP stream that is cut off
            return ConnectionLost("ended", "the connection was closed by the other side")
        waited = 0.0 if source else time.monotonic() - began
        return _lost(error, request, timed_out=waited >= request.silence)
    finally:
        if source:
            with limited(_CLOSE_SECONDS):
                source.close()


def _opened(request: SourceRequest, ending: threading.Event) -> DemuxedSource | OpenCvCamera:
    if request.check_host and request.host:
        socket.create_connection(request.host, _CHECK_HOST_SECONDS).close()
    try:
        return DemuxedSource(request, ending)
    except _FAILURES as error:
        if request.camera is None:
            raise
        try:
            return OpenCvCamera(request.camera)
        except InputError:
            raise error from None  # FFmpeg's error is the more precise one


def _lost(error: Exception, request: SourceRequest, timed_out: bool) -> ConnectionLost:
    """Describe `error` for the parent.

    Args:
        error: The error that ended the connection, or prevented it.
        request: The request to open the source.
        timed_out: Whether opening took longer than allowed: FFmpeg reports a silent RTSP server as invalid data.
    """
    if isinstance(error, InputError):
        return ConnectionLost("broken", str(error))
    if timed_out and isinstance(error, av.error.InvalidDataError):
        return ConnectionLost(*network_fault(TimeoutError()))
    return ConnectionLost(*network_fault(error, verified="tls_verify" in request.options))


if __name__ == "__main__":
    serve(main)
