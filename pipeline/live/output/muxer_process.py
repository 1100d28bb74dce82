"""The program of a child that writes an output: `python -m pipeline.live.output.muxer_process`.

It receives an OpenRequest, answers ConnectionOpened or ConnectionLost, and then answers each SerializedPacket with
PacketWritten, until ConnectionLost. Another OpenRequest closes what is open, properly; so does the end of its input,
after which it ends. A thread receives messages, so that the parent never waits for FFmpeg.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from queue import SimpleQueue

import av

from pipeline.live.output.hls import HlsMuxer
from pipeline.live.output.muxer import Muxer, TimestampOverflow
from pipeline.live.output.segments import SegmentedMuxer, SegmentsRequest
from pipeline.live.output.send_buffer import limit_unsent_data
from pipeline.live.process.child import Parent, ProcessEnded, limited, serve
from pipeline.live.process.messages import (
    ConnectionLost,
    ConnectionOpened,
    OpenRequest,
    PacketWritten,
    SerializedPacket,
)
from pipeline.live.process.network_errors import network_fault

_FINISH_SECONDS = 5.0  # to finish the output after the parent has ended
_CALL_SECONDS = 15  # for opening or closing, after which the system ends the process; the parent kills it sooner

_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.ENOENT: "the folder or the file does not exist any more",
    errno.EACCES: "the folder is not writable",
    errno.EPERM: "the folder is not writable",
    errno.EROFS: "the disk is read-only",
}

_FAILURES = (av.error.FFmpegError, OSError, ValueError)

AnyMuxer = Muxer | HlsMuxer | SegmentedMuxer


def main(parent: Parent) -> None:
    """Handle the parent's messages until there are no more."""
    inbox: SimpleQueue[OpenRequest | SerializedPacket | None] = SimpleQueue()
    threading.Thread(target=_receive, args=(parent, inbox), daemon=True).start()
    muxer: AnyMuxer | None = None
    request: OpenRequest | None = None
    while (message := inbox.get()) is not None:
        try:
            if isinstance(message, OpenRequest):
                before, muxer, request = muxer, None, message
                _close(before)
                muxer = _opened(request)
                _report(parent, ConnectionOpened(notes=tuple(muxer.notes)))
            elif muxer:
                _report(parent, PacketWritten(muxer.mux(message)))
        except _FAILURES as error:
            _report(parent, _lost(error, request))
            failed, muxer = muxer, None
            with contextlib.suppress(*_FAILURES):  # the error that broke it has been reported
                _close(failed)
    with contextlib.suppress(*_FAILURES):  # the parent has ended: nothing receives a report
        _close(muxer)


def _report(parent: Parent, message: ConnectionOpened | PacketWritten | ConnectionLost) -> None:
    with contextlib.suppress(ProcessEnded):  # the packets that it sent before it ended are written nevertheless
        parent.send(message)


def _receive(parent: Parent, inbox: SimpleQueue[OpenRequest | SerializedPacket | None]) -> None:
    try:
        while True:
            inbox.put(parent.receive())
    except ProcessEnded:
        inbox.put(None)
    time.sleep(_FINISH_SECONDS)
    os._exit(1)


def _opened(request: OpenRequest) -> AnyMuxer:
    with limited(_CALL_SECONDS):
        if isinstance(request, SegmentsRequest):
            return SegmentedMuxer(request)
        if request.format == "hls":
            return HlsMuxer(request)
        muxer = Muxer(request)
        limit_unsent_data()
        return muxer


def _close(muxer: AnyMuxer | None) -> None:
    if muxer:
        with limited(_CALL_SECONDS):
            muxer.close()


def _lost(error: Exception, request: OpenRequest | None) -> ConnectionLost:
    if isinstance(error, TimestampOverflow):
        return ConnectionLost("ended", str(error))
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return ConnectionLost("broken", "the container does not support this video: choose another `codec`")
    if request is not None and (isinstance(request, SegmentsRequest) or request.address.startswith("file:")):
        reason = _DISK_ERRORS.get(getattr(error, "errno", None) or 0)
        return ConnectionLost("broken", reason or str(getattr(error, "strerror", None) or type(error).__name__))
    if isinstance(error, av.error.InvalidDataError):
        return ConnectionLost("broken", "the server does not accept this stream")
    return ConnectionLost(*network_fault(error, verified=request is not None and "tls_verify" in request.options))


if __name__ == "__main__":
    serve(main)
