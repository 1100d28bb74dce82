"""Encoded video and audio as a live stream passes them to its outputs."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from pipeline.live.process.messages import SerializedPacket, StreamHeader, open_nut
from tests.clips import shade

RATE = 25
TICKS = 90_000
STEP = TICKS // RATE
_AUDIO_RATE = 48_000
_ENCODER_OPTIONS = {"libx264": {"sc_threshold": "0"}, "libx265": {"x265-params": "scenecut=0:log-level=error"}}
_FILLER = b"\0\0\0\1\x0c"  # a NAL unit that H.264's decoders ignore


def coded(
    frames: int = 50,
    gop: int = 10,
    size: tuple[int, int] = (64, 48),
    start: int = 0,
    audio_codec: str | None = None,
    padding: int = 0,
    codec: str = "libx264",
) -> tuple[StreamHeader, list[SerializedPacket]]:
    """Video of `codec` with a key frame each `gop` frames, and audio of `audio_codec`, in the order of their times.

    start: of the first frame, in ticks of 1/90000 s. padding: bytes added to each frame.
    """
    buffer, container = open_nut()
    options = {"tune": "zerolatency", "preset": "ultrafast", **_ENCODER_OPTIONS[codec]}
    video: Any = container.add_stream(codec, rate=RATE, options=options)
    video.width, video.height, video.pix_fmt = *size, "yuv420p"
    video.time_base = video.codec_context.time_base = Fraction(1, TICKS)
    video.codec_context.gop_size = gop
    audio: Any = container.add_stream(audio_codec, rate=_AUDIO_RATE, layout="mono") if audio_codec else None
    container.start_encoding()
    streams = StreamHeader.from_nut(buffer, [Fraction(RATE), *([None] if audio_codec else [])])
    made: list[tuple[Fraction, SerializedPacket]] = []

    def add(packets: list[av.Packet[Any]], stream: int, time_base: Fraction) -> None:
        made.extend(
            ((packet.pts or 0) * time_base, SerializedPacket.of(packet, stream, time.monotonic())) for packet in packets
        )

    for index in range(frames):
        add(video.encode(_frame(index, size, start + index * STEP)), 0, Fraction(1, TICKS))
    add(video.encode(None), 0, Fraction(1, TICKS))
    if audio is not None:
        for frame in _tone(frames / RATE, start * _AUDIO_RATE // TICKS):
            add(audio.encode(frame), 1, Fraction(1, _AUDIO_RATE))
    packets = [packet for _, packet in sorted(made, key=lambda pair: pair[0])]
    return streams, [_padded(packet, padding) for packet in packets]


def _frame(index: int, size: tuple[int, int], pts: int) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for number, plane in enumerate(frame.planes):
        plane.update(np.full(plane.buffer_size, 128 if number else shade(index), np.uint8).tobytes())
    frame.pts, frame.time_base = pts, Fraction(1, TICKS)
    return frame


def _tone(seconds: float, start: int) -> list[av.AudioFrame]:
    frames = []
    for at in range(0, int(seconds * _AUDIO_RATE), 960):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = _AUDIO_RATE, start + at, Fraction(1, _AUDIO_RATE)
        frames.append(frame)
    return frames


def _padded(packet: SerializedPacket, padding: int) -> SerializedPacket:
    return replace(packet, data=packet.data + _FILLER + b"\xff" * padding + b"\x80") if padding else packet


def times(path: Path, kind: str = "video") -> list[Fraction]:
    """Returns the time of each packet of that kind, in seconds."""
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [(packet.pts or 0) * packet.time_base for packet in container.demux(stream) if packet.size]


def frame_count(path: Path) -> int:
    """Returns the number of frames that decode."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))
