"""Writes the films of the cases: numbered frames, audio that clicks, subtitles, in any container and at any times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.container import OutputContainer
from av.stream import Disposition

from tests.cases import pattern
from tests.cases.samples import Tags

RATE = Fraction(25)
AUDIO_RATE = 48_000
CLICKS_EVERY = Fraction(1, 5)  # seconds, the first after half of that: never at a multiple of a frame's duration
_CLICK_SECONDS = 0.004
_TAGS = Tags(1, 1, 1)
_QUICK = {
    "libx264": {"preset": "ultrafast", "crf": "10", "sc_threshold": "0"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "10", "b:v": "0"},
    "mjpeg": {"q:v": "2"},
    "mpeg2video": {"q:v": "2"},
    "vorbis": {"strict": "experimental"},
}

Packets = list["av.Packet[Any]"]


class Film:
    """Writes a container: add its streams one after the other; they are written when the `with` ends."""

    def __init__(self, path: Path, format: str | None = None, **options: str) -> None:
        self.container: OutputContainer = av.open(
            f"file:{path}", "w", format=format, container_options={"fflags": "+bitexact"} | options
        )
        self._tracks: list[Callable[[], Iterable[Any]]] = []

    def video(
        self,
        numbers: Iterable[int] = range(30),
        size: tuple[int, int] = pattern.SIZE,
        rate: Fraction | int = RATE,
        time_base: Fraction | None = None,
        pts: Sequence[int] | None = None,
        codec: str = "libx264",
        pixel: str = "yuv420p",
        textured: bool = False,
        draw: Callable[[int], av.VideoFrame] | None = None,
        tags: Tags | None = None,
        edit: Callable[[Packets], Packets] = list,
        **options: str,
    ) -> Any:
        """Adds a stream of numbered frames.

        Args:
            numbers: of the frames.
            size: width and height.
            rate: frames per second.
            time_base: of the stream; default 1/rate.
            pts: in `time_base`; default one tick each.
            codec: FFmpeg's encoder.
            pixel: FFmpeg's pixel format.
            textured: whether the frames need many bits to encode.
            draw: makes the frame of a number; default pattern.frame.
            tags: colour tags of the stream; default BT.709 for YUV.
            edit: changes its packets before they are written.
            options: of the encoder.
        """
        numbers = list(numbers)
        times = list(range(len(numbers))) if pts is None else pts
        stream: Any = self.container.add_stream(codec, rate=Fraction(rate), options=_QUICK.get(codec, {}) | options)
        context = stream.codec_context
        context.thread_count = 1
        context.width, context.height, context.pix_fmt = *size, pixel
        stream.time_base = context.time_base = time_base or 1 / Fraction(rate)
        meant = tags or (_TAGS if pixel.startswith("yuv") and not pixel.startswith("yuvj") else Tags())
        _tag(context, meant)
        if meant.siting:
            context.options = context.options | {"chroma_sample_location": meant.siting}

        def packets() -> Packets:
            made: Packets = []
            for number, time in zip(numbers, times, strict=True):
                frame = draw(number) if draw else pattern.frame(number, size, pixel, textured)
                _tag(frame, meant)
                frame.pts, frame.time_base = time, context.time_base
                made += stream.encode(frame)
            return edit(made + stream.encode(None))

        self._tracks.append(packets)
        return stream

    def audio(
        self,
        seconds: float,
        start: float = 0,
        codec: str = "aac",
        layout: str = "mono",
        language: str | None = None,
        edit: Callable[[Packets], Packets] = list,
        **options: str,
    ) -> Any:
        """Adds an audio stream that clicks at fixed times of the film. start: in seconds, may be negative."""
        options = _QUICK.get(codec, {}) | options
        stream: Any = self.container.add_stream(codec, rate=AUDIO_RATE, layout=layout, options=options)
        if language:
            stream.metadata["language"] = language

        def packets() -> Packets:
            first = round(start * AUDIO_RATE)
            samples = _clicking(first, round(seconds * AUDIO_RATE))
            whole = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            whole.sample_rate, whole.pts, whole.time_base = AUDIO_RATE, first, Fraction(1, AUDIO_RATE)
            context = stream.codec_context
            resampler = av.AudioResampler(
                context.format, layout, AUDIO_RATE, int(options.get("frame_size", 0)) or context.frame_size or 1024
            )
            pieces = [*resampler.resample(whole), *resampler.resample(None)]
            made = [packet for piece in pieces for packet in stream.encode(piece)]
            return edit(made + stream.encode(None))

        self._tracks.append(packets)
        return stream

    def packets(self, codec: str, contents: Iterable[tuple[int, int, bytes]], language: str | None = None) -> Any:
        """Adds a stream of these packets, each (start in ms, duration in ms, bytes), such as subtitles."""
        stream = self.container.add_mux_stream(codec)
        stream.time_base = Fraction(1, 1000)
        if language:
            stream.metadata["language"] = language
        self._tracks.append(lambda: [_packet(stream, *content) for content in contents])
        return stream

    def cover(self, number: int = 400) -> Any:
        """Adds a cover image."""
        stream = self.video([number], codec="png", pixel="rgb24", rate=1)
        stream.disposition = Disposition.attached_pic
        return stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.container:
            if kind is None:
                for packet in [packet for packets in self._tracks for packet in packets()]:
                    self.container.mux(packet)


def film(path: Path, numbers: Iterable[int] = range(30), format: str | None = None, **about: Any) -> None:
    """Writes a film of one video stream. about: see Film.video, and `container`, options of the container."""
    with Film(path, format, **about.pop("container", {})) as out:
        out.video(numbers, **about)


def shifted(ticks: int) -> Callable[[Packets], Packets]:
    """Returns an edit that moves all packets by `ticks`."""

    def move(packets: Packets) -> Packets:
        for packet in packets:
            packet.pts, packet.dts = (packet.pts or 0) + ticks, (packet.dts or 0) + ticks
        return packets

    return move


def retimed(pts: Sequence[int]) -> Callable[[Packets], Packets]:
    """Returns an edit that sets the times of packets, in any order; for codecs without B-frames."""

    def move(packets: Packets) -> Packets:
        for index, (packet, time) in enumerate(zip(packets, pts, strict=True)):
            packet.pts, packet.dts = (
                time,
                index - len(packets),
            )  # any that advance: only pts is stored
        return packets

    return move


def with_content(packet: Any, content: bytes) -> Any:
    """Returns a packet of other content for the same stream and time."""
    changed: Any = av.Packet(content)
    for name in ("stream", "time_base", "pts", "dts", "duration", "is_keyframe"):
        setattr(changed, name, getattr(packet, name))
    return changed


def clicks(seconds: float, start: float = 0) -> tuple[Fraction, ...]:
    """Returns when audio of `seconds` that begins at `start` clicks: the middles of its bursts."""
    first, last = -(-Fraction(start) // CLICKS_EVERY), Fraction(start + seconds) // CLICKS_EVERY
    times = [CLICKS_EVERY * count + CLICKS_EVERY / 2 for count in range(int(first) - 1, int(last) + 1)]
    return tuple(time for time in times if start <= time < start + seconds)


def _tag(coded: Any, tags: Tags) -> None:
    """Sets the colour tags of an encoder or a frame; some encoders read the one, some the other."""
    coded.colorspace, coded.color_primaries, coded.color_trc = tags.matrix, tags.primaries, tags.transfer
    coded.color_range = 0 if tags.full is None else 2 if tags.full else 1  # FFmpeg's AVCOL_RANGE


def _clicking(first: int, count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Samples `first` to `first + count` of the audio: bursts of noise in silence, (1, count)."""
    samples = np.zeros(count, np.float32)
    burst = np.random.default_rng(1).uniform(-0.7, 0.7, round(_CLICK_SECONDS * AUDIO_RATE)).astype(np.float32)
    for time in clicks(count / AUDIO_RATE, first / AUDIO_RATE):
        at = round(time * AUDIO_RATE) - first - len(burst) // 2
        samples[at : at + len(burst)] = burst
    return samples[None]


def _packet(stream: Any, start: int, length: int, content: bytes) -> av.Packet[Any]:
    packet: av.Packet[Any] = av.Packet(content)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = start
    packet.duration = length
    return packet
