"""One container that takes parcels as they come, for as long as they come."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer

from pipeline.live.process.messages import Open, SerializedPacket
from pipeline.media.writing.container_support import codec_name, container_spec, copy_of, supports

# A packet goes out when it comes; a stream that falls silent holds the others back for little more than this, in us.
_AT_ONCE = {"flush_packets": "1", "max_interleave_delta": "100000"}

# What RTSP announces (sdp.c, rtpenc.c); FFmpeg can't tell before it has a server.
_RTP = "h264 hevc vp8 vp9 av1 mpeg4 aac opus pcm_mulaw pcm_alaw mp2 mp3 vorbis adpcm_g722 pcm_s16be".split()
_TRIED_AS = {"hls": "mpegts"}
_UNCONNECTED = ("flv",)  # muxers that don't connect by themselves
_MEANING = re.compile(r"([\\'|:\[\]\s])")

_REFUSED = (av.error.InvalidDataError, av.error.ArgumentError, av.error.PatchWelcomeError)


class Full(OSError):
    """The container can't count any further: it is to be opened anew."""


class Muxer:
    """A container that is open for the streams of `wanted`, of which the first is the video.

    from_zero: let its time begin with the first picture, which else keeps its own. notes: a line for each stream that
    is left behind, as the container can't hold it. Raises PyAV's errors, OSError, ValueError where it can't hold the
    video, and Full, at a key frame.
    """

    def __init__(self, wanted: Open, from_zero: bool = False) -> None:
        assert wanted.streams is not None
        assert wanted.format is not None
        self._templates = wanted.streams.opened()
        self._steps = [1 / rate if rate else None for rate in wanted.streams.rates]
        self._longest = container_spec(wanted.format).max_seconds
        self._from_zero = from_zero or self._longest is not None
        self._start: Fraction | None = None  # in seconds, where the container's time begins
        self._last: dict[int, int] = {}
        without = left_behind(wanted)
        self.notes = list(without.values())
        self._container = _opened(wanted, _AT_ONCE | wanted.options)
        try:
            self._streams: dict[int, Any] = {
                s.index: copy_of(self._container, s) for s in self._templates.streams if s.index not in without
            }
            self._container.start_encoding()
        except BaseException:
            with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
                self._container.close()
            self._templates.close()
            raise

    def mux(self, parcel: SerializedPacket) -> bool:
        """Write `parcel`, unless it belongs to a stream left behind, or to a time that is over; whether it was."""
        stream = self._streams.get(parcel.stream)
        time = parcel.pts if parcel.dts is None else parcel.dts
        if stream is None or time is None or parcel.pts is None:
            return False
        time_base = self._templates.streams[parcel.stream].time_base
        assert time_base is not None
        if self._start is None and parcel.stream == 0:
            self._start = time * time_base
        if self._start is None or time * time_base < self._start or time <= self._last.get(parcel.stream, time - 1):
            return False
        begins = parcel.stream == 0 and parcel.is_keyframe
        if self._longest and begins and time * time_base - self._start >= self._longest:
            raise Full(f"after {self._longest // 86_400} days it is begun anew: RTMP counts no further")
        self._last[parcel.stream] = time
        moved = self._moved(replace(parcel, dts=time), time_base)
        packet = moved.packet(time_base)
        packet.stream = stream
        try:
            self._container.mux(packet)
        except _REFUSED:
            if parcel.stream == 0:
                raise
            return False  # sound that is damaged must not end the picture
        return True

    def close(self) -> None:
        """Write what is under way, and the container's end."""
        self._container.close()
        self._templates.close()

    def _moved(self, parcel: SerializedPacket, time_base: Fraction) -> SerializedPacket:
        """`parcel` on the container's clock, with the duration that its stream's rate tells, if it has none."""
        step = self._steps[parcel.stream]
        duration = parcel.duration or (round(step / time_base) if step else 0)
        if not self._from_zero:
            return replace(parcel, duration=duration)
        assert self._start is not None
        assert parcel.pts is not None
        assert parcel.dts is not None
        shift = round(self._start / time_base)
        return replace(parcel, pts=parcel.pts - shift, dts=parcel.dts - shift, duration=duration)


def _opened(wanted: Open, options: dict[str, str]) -> OutputContainer:
    """PyAV hands options to a muxer, not to what connects for it; FFmpeg's tee hands them on to both."""
    if wanted.format in _UNCONNECTED and "tls_verify" in options:
        told = {"f": wanted.format, **options}.items()
        slave = ":".join(f"{name}={_escaped(_escaped(value))}" for name, value in told)
        return av.open(f"[{slave}]{_escaped(wanted.address)}", "w", format="tee")
    return av.open(wanted.address, "w", format=wanted.format, container_options=options)


def _escaped(text: str) -> str:
    """`text` as FFmpeg reads it in a list: once for the list, once more within brackets."""
    return _MEANING.sub(r"\\\1", text)


def left_behind(wanted: Open) -> dict[int, str]:
    """The streams that the container of `wanted` can't hold beside the video: a line for each, by their indices."""
    assert wanted.streams is not None
    assert wanted.format is not None
    with wanted.streams.opened() as templates:
        return {
            stream.index: f"{codec_name(stream)} {stream.type} left behind: {wanted.format} can't hold it"
            for stream in templates.streams
            if stream.index > 0 and not _can_hold(wanted.format, stream)
        }


def _can_hold(format: str, stream: Any) -> bool:
    if format != "rtsp":
        return supports(_TRIED_AS.get(format, format), stream)
    # SDP names the configuration of AAC, which MPEG-TS doesn't tell beforehand.
    return codec_name(stream) in _RTP and (codec_name(stream) != "aac" or bool(stream.codec_context.extradata))
