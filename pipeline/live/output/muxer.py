"""Writes packets into one container as they come, without a planned end."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer

from pipeline.live.process.messages import OpenRequest, SerializedPacket
from pipeline.media.codec_parameters import codec_name
from pipeline.media.writing.container_support import add_stream_copy, container_spec, supports

# A packet is sent when it comes; a stream without packets holds up the others for little more than this, in us.
_LOW_DELAY = {"flush_packets": "1", "max_interleave_delta": "100000"}

_TEE_SPECIAL = re.compile(r"([\\'|:\[\]\s])")

_INVALID_PACKET = (av.error.InvalidDataError, av.error.ArgumentError, av.error.PatchWelcomeError)


class TimestampOverflow(OSError):
    """The timestamps of the container can't grow any further; it has to be opened again."""


class Muxer:
    """An open container with the streams of `request`, of which the first is the video.

    Raises PyAV's errors, OSError, ValueError if the container does not support the video, and TimestampOverflow at a
    key frame.

    Args:
        request: What to open.
        from_zero: Shift the timestamps so that the first frame is at 0; by default they are kept.

    Attributes:
        notes: One line for each stream that is dropped because the container does not support it.
    """

    def __init__(self, request: OpenRequest, from_zero: bool = False) -> None:
        assert request.streams is not None
        assert request.format is not None
        dropped = unsupported_streams(request)
        self.notes = list(dropped.values())
        self._frame_durations = [1 / rate if rate else None for rate in request.streams.rates]
        self._max_seconds = container_spec(request.format).max_seconds
        self._from_zero = from_zero or self._max_seconds is not None
        self._start: Fraction | None = None  # of the container's timestamps, in seconds
        self._last: dict[int, int] = {}  # by stream: the decoding time of the last packet
        with contextlib.ExitStack() as on_error:
            self._templates = on_error.enter_context(request.streams.open())
            self._container = _open(request, _LOW_DELAY | request.options)
            on_error.callback(self._close_container_quietly)
            self._streams: dict[int, Any] = {
                stream.index: add_stream_copy(self._container, stream)
                for stream in self._templates.streams
                if stream.index not in dropped
            }
            self._container.start_encoding()
            on_error.pop_all()

    def mux(self, packet: SerializedPacket) -> bool:
        """Write `packet`; False if it was skipped, as its stream is dropped or its time has passed."""
        stream, time = self._streams.get(packet.stream), packet.decoding_time
        if stream is None or time is None or packet.pts is None:
            return False
        time_base = self._templates.streams[packet.stream].time_base
        assert time_base is not None
        if self._start is None and packet.stream == 0:
            self._start = time * time_base
        if self._start is None or time * time_base < self._start or time <= self._last.get(packet.stream, time - 1):
            return False
        is_key = packet.stream == 0 and packet.is_keyframe
        if self._max_seconds and is_key and time * time_base - self._start >= self._max_seconds:
            raise TimestampOverflow(
                f"opened again after {self._max_seconds // 86_400} days, the limit of RTMP's timestamps"
            )
        self._last[packet.stream] = time
        av_packet = self._shifted(replace(packet, dts=time), time_base).to_av(time_base)
        av_packet.stream = stream
        try:
            self._container.mux(av_packet)
        except _INVALID_PACKET:
            if packet.stream == 0:
                raise
            return False  # damaged audio does not end the video
        return True

    def close(self) -> None:
        """Write what is buffered and the end of the container."""
        try:
            self._container.close()
        finally:
            self._templates.close()

    def _close_container_quietly(self) -> None:
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):  # a first error is being raised
            self._container.close()

    def _shifted(self, packet: SerializedPacket, time_base: Fraction) -> SerializedPacket:
        """`packet` on the container's clock, with the duration of its stream's rate if it has none."""
        step = self._frame_durations[packet.stream]
        duration = packet.duration or (round(step / time_base) if step else 0)
        if not self._from_zero:
            return replace(packet, duration=duration)
        assert self._start is not None
        assert packet.pts is not None
        assert packet.dts is not None
        shift = round(self._start / time_base)
        return replace(packet, pts=packet.pts - shift, dts=packet.dts - shift, duration=duration)


def _open(request: OpenRequest, options: dict[str, str]) -> OutputContainer:
    """PyAV passes options to the muxer, not to the protocol that connects for it; FFmpeg's tee passes them to both."""
    format = request.format
    if format and not container_spec(format).opens_connection and "tls_verify" in options:
        tee_options = {"f": format, **options}.items()
        slave = ":".join(f"{name}={_escape(_escape(value))}" for name, value in tee_options)
        return av.open(f"[{slave}]{_escape(request.address)}", "w", format="tee")
    return av.open(request.address, "w", format=format, container_options=options)


def _escape(text: str) -> str:
    """Escape `text` for FFmpeg's tee: once for the list, once more within brackets."""
    return _TEE_SPECIAL.sub(r"\\\1", text)


def unsupported_streams(request: OpenRequest) -> dict[int, str]:
    """The streams beside the video that the container does not support: a note for each, by index."""
    assert request.streams is not None
    assert request.format is not None
    with request.streams.open() as templates:
        return {
            stream.index: f"{codec_name(stream)} {stream.type} is dropped: {request.format} does not support it"
            for stream in templates.streams
            if stream.index > 0 and not supports(request.format, stream)
        }
