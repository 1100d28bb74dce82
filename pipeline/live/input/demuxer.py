"""Demultiplexes a live source with FFmpeg: its video, and its audio on request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.stream import Discard

from pipeline.errors import InputError
from pipeline.flow.closing import Closing
from pipeline.live.input.webcam import raw_video_header
from pipeline.live.process.messages import SerializedPacket, SourceRequest, StreamHeader
from pipeline.media.codec_parameters import describe_codec

_SEGMENTED = ("hls",)
_LONG_ANALYSIS = {"analyzeduration": "5000000", "probesize": "50000000"}  # if a short one found no key frame
_SEGMENTED_SPEED = Fraction(102, 100)  # so that one late segment does not delay all that follow
_MAX_LATE = 0.1  # seconds that a packet may be late before the clock waits for it; less is jitter of the system
_MAX_SLEEP = 10.0  # seconds; timestamps that are further ahead have jumped


class StreamsChanged(Exception):
    """The source has other streams now, and has to be opened again."""


class DemuxedSource(Closing):
    """An open source, which yields its packets as they come, until it ends.

    Raises PyAV's errors and OSError, and InputError if it has no video; iterating raises StreamsChanged, too.

    Args:
        request: What to open.
        ending: Interrupts waits for the pace of the timestamps when it is set.

    Attributes:
        streams: Its video, then its audio, if any.
        notes: Remarks for the user, a line each.
    """

    def __init__(self, request: SourceRequest, ending: threading.Event) -> None:
        self._container = _open_analysed(request)
        try:
            self._video, audio = _select_streams(self._container, request.audio)
            self._streams, self.notes = _describable(self._video, audio)
            is_wrapped = self._video.codec_context.name == "wrapped_avframe"
            self._raw = _RawEncoder(self._video) if is_wrapped else None
            self.streams = self._raw.streams if self._raw else StreamHeader.of(self._streams)
            with self.streams.open() as templates:
                self._time_bases = [stream.time_base for stream in templates.streams]
        except BaseException:
            self._container.close()
            raise
        self._pacer = _pacer(request, self._container, ending)

    def __iter__(self) -> Iterator[SerializedPacket]:
        for packet in self._packets():
            if not packet.size:  # PyAV's mark of the end
                continue
            if self._pacer and packet.stream is self._video:  # audio is next to its video in the file
                self._pacer.wait(packet)
            yield from self._serialize(packet)

    def close(self) -> None:
        self._container.close()

    def _packets(self) -> Iterator[av.Packet[Any]]:
        known = len(self._container.streams)
        while True:
            try:
                yield from self._container.demux(self._streams)
                return
            except IndexError:  # raised by PyAV when streams are added later
                added = self._container.streams[known:]
                known = len(self._container.streams)
                if not added or any(stream.type == "video" for stream in added):
                    raise StreamsChanged("the streams of the source have changed") from None

    def _serialize(self, packet: av.Packet[Any]) -> Iterable[SerializedPacket]:
        at = time.monotonic()
        index = self._streams.index(packet.stream)
        packets = self._raw.encode(packet) if self._raw and index == 0 else (packet,)
        return [
            _rebase(SerializedPacket.of(each, index, at), packet.time_base, self._time_bases[index]) for each in packets
        ]


def _open_analysed(request: SourceRequest) -> InputContainer:
    """Open the source, with a longer analysis if the size of the video is unknown after a short one."""
    container = _open(request, {})
    is_size_known = all(video.width for video in container.streams.video if video.codec_context)
    if not is_size_known and "analyzeduration" in request.options:
        container.close()
        container = _open(request, _LONG_ANALYSIS)
    return container


def _open(request: SourceRequest, options: dict[str, str]) -> InputContainer:
    return av.open(
        request.address, format=request.format, container_options=request.options | options, metadata_errors="replace"
    )


def _select_streams(container: InputContainer, audio: bool) -> tuple[Any, Any]:
    """The video stream, and the audio stream or None; all others are discarded."""
    video: Any = container.streams.best("video")
    if video is None:
        raise InputError("it has no video")
    if video.codec_context is None:
        raise InputError(f"FFmpeg has no decoder for its video ({describe_codec(video)})")
    if video.width == 0:
        raise InputError("it sends no key frame, so its video can't be decoded")
    audio_stream: Any = container.streams.best("audio", related=video) if audio else None
    for stream in container.streams:
        if stream not in (video, audio_stream):
            stream.discard = Discard.all  # HLS would load the same content in each quality
    return video, audio_stream


def _describable(video: Any, audio: Any) -> tuple[list[Any], tuple[str, ...]]:
    """The streams that can be passed on, and notes on those that can't."""
    if video.codec_context.name != "wrapped_avframe" and not StreamHeader.can_describe(video):
        raise InputError(f"its codec, {video.codec_context.name}, is not supported for live sources")
    if audio is None:
        return [video], ()
    if not StreamHeader.can_describe(audio):
        return [video], (f"its {describe_codec(audio)} audio is dropped: the codec is not supported live",)
    return [video, audio], ()


def _rebase(packet: SerializedPacket, before: Fraction, after: Fraction | None) -> SerializedPacket:
    """`packet` with its times converted from the time base `before` to `after`."""
    if after is None or before == after:
        return packet

    def convert(value: int | None) -> int | None:
        return None if value is None else round(value * before / after)

    return replace(packet, pts=convert(packet.pts), dts=convert(packet.dts), duration=convert(packet.duration) or 0)


class _RawEncoder:
    """Copies the frames of libavfilter's packets, which are pointers within this process, into packets of raw video."""

    def __init__(self, video: Any) -> None:
        width, height, pix_fmt = video.codec_context.width, video.codec_context.height, video.codec_context.pix_fmt
        self.streams = raw_video_header(width, height, pix_fmt, video.average_rate)
        self._encoder: Any = av.CodecContext.create("rawvideo", "w")
        self._encoder.width, self._encoder.height, self._encoder.pix_fmt = width, height, pix_fmt
        self._encoder.time_base = video.time_base

    def encode(self, packet: av.Packet[Any]) -> list[av.Packet[Any]]:
        return [encoded for frame in packet.decode() for encoded in self._encoder.encode(frame)]


class Pacer:
    """Delays packets until their time has come, on a clock that starts with the first one and waits for late ones.

    Args:
        speed: Seconds of timestamps per second of `clock`.
        sleep: Waits for that many seconds.
        clock: Gives the time in seconds.
    """

    def __init__(
        self, speed: Fraction, sleep: Callable[[float], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._speed, self._sleep, self._clock = float(speed), sleep, clock
        self._anchor: tuple[float, float] | None = None  # the timestamp of a packet in seconds, and when that was

    def wait(self, packet: av.Packet[Any]) -> None:
        """Sleep until it is time for `packet`."""
        ticks = packet.pts if packet.dts is None else packet.dts
        if ticks is None:
            return
        seconds, now = float(ticks * packet.time_base), self._clock()
        if self._anchor is None:
            self._anchor = seconds, now
        early = self._anchor[1] + (seconds - self._anchor[0]) / self._speed - now
        if 0 < early <= _MAX_SLEEP:
            self._sleep(early)
        elif not -_MAX_LATE < early <= 0:
            self._anchor = seconds, now


def _pacer(request: SourceRequest, container: InputContainer, ending: threading.Event) -> Pacer | None:
    """A pacer for sources that come faster than they are shown; None for others."""
    segmented = container.format.name in _SEGMENTED
    if request.always_paced or (request.paced and (segmented or container.duration is not None)):
        return Pacer(_SEGMENTED_SPEED if segmented else Fraction(1), ending.wait)
    return None
