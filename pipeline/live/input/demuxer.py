"""A live source that FFmpeg reads: its video, and its sound if that is wanted."""

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
from pipeline.live.input.webcam import raw_streams
from pipeline.live.process.messages import OpenSource, SerializedPacket, Streams

_IN_PIECES = ("hls",)
_PATIENTLY = {"analyzeduration": "5000000", "probesize": "50000000"}  # where the first look found no key frame
_HASTE = Fraction(102, 100)  # of a playlist's pace, so that a segment that came late once doesn't delay all that follow
_LATEST = 0.1  # seconds that a packet may be late before the clock waits for it: less is the system's own
_LONGEST_PACE = 10.0  # seconds; a clock that is further ahead than that has jumped


class Changed(Exception):
    """The source has other streams now: it is to be opened anew."""


class Demuxed(Closing):
    """What `wanted` names, open. streams: its video, then its sound, if any. notes: lines for people.

    Raises PyAV's errors, OSError, and InputError where it holds no video. Iterating raises Changed, too. `ending` cuts
    short what it waits for by itself.
    """

    def __init__(self, wanted: OpenSource, ending: threading.Event) -> None:
        self._container = _opened(wanted)
        try:
            self._video, sound = _chosen(self._container, wanted.audio)
            self._streams, self.notes = _carried(self._video, sound)
            self._raw = _RawCoder(self._video) if self._video.codec_context.name == "wrapped_avframe" else None
            self.streams = self._raw.streams if self._raw else Streams.of(self._streams)
            self._time_bases = [stream.time_base for stream in self.streams.opened().streams]
        except BaseException:
            self._container.close()
            raise
        self._pace = _pace(wanted, self._container, ending)

    def __iter__(self) -> Iterator[SerializedPacket]:
        """Each packet as it comes, until there are no more."""
        for packet in self._packets():
            if not packet.size:  # PyAV's mark of the end
                continue
            if self._pace and packet.stream is self._video:  # sound lies beside its picture in the file
                self._pace.wait(packet)
            yield from self._parcels(packet)

    def close(self) -> None:
        self._container.close()

    def _packets(self) -> Iterator[av.Packet[Any]]:
        known = len(self._container.streams)
        while True:
            try:
                yield from self._container.demux(self._streams)
                return
            except IndexError:  # PyAV's answer to streams that come later
                later = self._container.streams[known:]
                known = len(self._container.streams)
                if not later or any(stream.type == "video" for stream in later):
                    raise Changed("it has other streams now") from None

    def _parcels(self, packet: av.Packet[Any]) -> Iterable[SerializedPacket]:
        at = time.monotonic()
        index = self._streams.index(packet.stream)
        packets = self._raw.coded(packet) if self._raw and index == 0 else (packet,)
        return [
            _rebased(SerializedPacket.of(each, index, at), packet.time_base, self._time_bases[index])
            for each in packets
        ]


def _opened(wanted: OpenSource) -> InputContainer:
    """With the size of its video known, if that can be learned."""
    container = _open(wanted, {})
    if any(video.width == 0 for video in container.streams.video) and "analyzeduration" in wanted.options:
        container.close()
        container = _open(wanted, _PATIENTLY)
    return container


def _open(wanted: OpenSource, options: dict[str, str]) -> InputContainer:
    return av.open(
        wanted.address, format=wanted.format, container_options=wanted.options | options, metadata_errors="replace"
    )


def _chosen(container: InputContainer, audio: bool) -> tuple[Any, Any]:
    """The video, and the sound or None; nothing else will be read."""
    video: Any = container.streams.best("video")
    if video is None or video.width == 0:
        raise InputError("it has no video" if video is None else "it sends no key frame, without which nothing is seen")
    sound: Any = container.streams.best("audio", related=video) if audio else None
    for stream in container.streams:
        if stream not in (video, sound):
            stream.discard = Discard.all  # HLS would load the same in each quality
    return video, sound


def _carried(video: Any, sound: Any) -> tuple[list[Any], tuple[str, ...]]:
    """What is handed on, and lines on what isn't."""
    if video.codec_context.name != "wrapped_avframe" and not Streams.can_hold(video):
        raise InputError(f"{video.codec_context.name}, its codec, can't be read live")
    if sound is None:
        return [video], ()
    if not Streams.can_hold(sound):
        return [video], (f"{sound.codec_context.name} sound left behind: it can't be handed on",)
    return [video, sound], ()


def _rebased(parcel: SerializedPacket, before: Fraction, after: Fraction | None) -> SerializedPacket:
    """`parcel` with its times, in `before`, in `after`."""
    if after is None or before == after:
        return parcel

    def moved(value: int | None) -> int | None:
        return None if value is None else round(value * before / after)

    return replace(parcel, pts=moved(parcel.pts), dts=moved(parcel.dts), duration=moved(parcel.duration) or 0)


class _RawCoder:
    """Makes packets with pictures in them of libavfilter's, which only point to pictures in this process."""

    def __init__(self, video: Any) -> None:
        context = video.codec_context
        self.streams = raw_streams(context.width, context.height, context.pix_fmt, video.average_rate)
        self._coder: Any = av.CodecContext.create("rawvideo", "w")
        self._coder.width, self._coder.height, self._coder.pix_fmt = context.width, context.height, context.pix_fmt
        self._coder.time_base = video.time_base

    def coded(self, packet: av.Packet[Any]) -> list[av.Packet[Any]]:
        return [coded for frame in packet.decode() for coded in self._coder.encode(frame)]


class Pace:
    """Holds packets back until their time has come, on a clock that starts with the first and waits for those late.

    speed: how many seconds of it pass in one. Times are in seconds of `clock`; `sleep` waits for so many.
    """

    def __init__(
        self, speed: Fraction, sleep: Callable[[float], Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._speed, self._sleep, self._clock = float(speed), sleep, clock
        self._anchor: tuple[float, float] | None = None  # a packet's time, and when that was

    def wait(self, packet: av.Packet[Any]) -> None:
        ticks = packet.pts if packet.dts is None else packet.dts
        if ticks is None:
            return
        seconds, now = float(ticks * packet.time_base), self._clock()
        if self._anchor is None:
            self._anchor = seconds, now
        early = self._anchor[1] + (seconds - self._anchor[0]) / self._speed - now
        if 0 < early <= _LONGEST_PACE:
            self._sleep(early)
        elif not -_LATEST < early <= 0:
            self._anchor = seconds, now


def _pace(wanted: OpenSource, container: InputContainer, ending: threading.Event) -> Pace | None:
    """For what comes faster than it plays."""
    in_pieces = container.format.name in _IN_PIECES
    if wanted.always_paced or (wanted.paced and (in_pieces or container.duration is not None)):
        return Pace(_HASTE if in_pieces else Fraction(1), ending.wait)
    return None
