"""Makes clips whose frames are recognisable by their flat luma, `shade(index)`."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.frames import planes_of

RATE = Fraction(25)
AUDIO_RATE = 48_000


def shade(index: int) -> int:
    """Returns the luma of frame `index`; consecutive frames differ much."""
    return 40 + index * 37 % 160


def make(
    path: Path,
    frames: int = 12,
    size: tuple[int, int] = (64, 48),
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 12800),
    pixel: str = "yuv420p",
    codec: str = "libx264",
    matrix: int = 2,
    sample_aspect: Fraction = Fraction(1),
    audio: bool = True,
    rate: Fraction = RATE,
    index_in_front: bool = False,
    tag: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Writes a clip, with audio if `audio`. pts: in `time_base`, default evenly at `rate` from 0."""
    step = round(1 / (rate * time_base))
    pts = [index * step for index in range(frames)] if pts is None else pts
    iso = path.suffix in (".mp4", ".mov")
    exact = {"movie_timescale": str(time_base.denominator)} if iso else {}
    if index_in_front and iso:
        exact["movflags"] = "faststart"
    with av.open(str(path), "w", container_options=exact) as container:
        container.metadata["title"] = "a test"
        video: Any = container.add_stream(codec, rate=rate, options=options or {"crf": "10", "bf": "2"})
        video.width, video.height, video.pix_fmt = *size, pixel
        video.time_base = video.codec_context.time_base = time_base
        video.codec_context.colorspace = matrix
        video.codec_context.sample_aspect_ratio = sample_aspect
        if tag is not None:
            video.codec_context.codec_tag = tag
        audio_stream: Any = container.add_stream("aac", rate=AUDIO_RATE, layout="mono") if audio else None
        container.start_encoding()
        for index, time in enumerate(pts):
            container.mux(video.encode(_frame(index, size, pixel, time)))
        container.mux(video.encode(None))
        if audio_stream is not None:
            seconds = float((pts[-1] - pts[0] + step) * time_base) if len(pts) else 0.0
            start = int(pts[0] * time_base * AUDIO_RATE) if len(pts) else 0
            for frame in _tone(seconds, start):
                container.mux(audio_stream.encode(frame))
            container.mux(audio_stream.encode(None))
    return path


def _frame(index: int, size: tuple[int, int], pixel: str, pts: int) -> av.VideoFrame:
    frame = av.VideoFrame(*size, pixel)
    depth = frame.format.components[0].bits
    for number, plane in enumerate(frame.planes):
        code = (128 if number else shade(index)) << (depth - 8)
        dtype = np.uint16 if depth > 8 else np.uint8
        plane.update(np.full(plane.buffer_size // (1 + (depth > 8)), code, dtype).tobytes())
    frame.pts = pts
    return frame


def _tone(seconds: float, start: int) -> list[av.AudioFrame]:
    samples = np.sin(np.arange(int(seconds * AUDIO_RATE)) * 2 * np.pi * 440 / AUDIO_RATE).astype(np.float32)
    frames = []
    for at in range(0, len(samples) - 1023, 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, start + at, Fraction(1, AUDIO_RATE)
        frames.append(frame)
    return frames


def video_times(path: Path) -> list[Fraction]:
    """Returns the time of each frame of a clip, in seconds, exactly, in display order."""
    with av.open(str(path)) as container:
        frames: Any = container.decode(video=0)
        return [frame.pts * frame.time_base for frame in frames]


def shades(path: Path) -> list[int]:
    """Returns the 8-bit luma in the middle of each frame."""
    with av.open(str(path)) as container:
        return [middle_luma(frame) for frame in container.decode(video=0)]


def frame_samples(path: Path) -> list[bytes]:
    """Returns the samples of each frame of an 8-bit clip, of all planes, without padding."""
    with av.open(str(path)) as container:
        frames = [planes_of(frame, np.uint8) for frame in container.decode(video=0)]
    return [b"".join(plane.tobytes() for plane in planes) for planes in frames]


def middle_luma(frame: av.VideoFrame) -> int:
    """Returns the 8-bit luma in the middle of a frame."""
    plane: Any = frame.planes[0]
    return int(np.frombuffer(plane, np.uint8)[frame.height // 2 * plane.line_size + frame.width // 2])


def packets(path: Path, kind: str) -> list[tuple[Fraction | None, bytes]]:
    """Returns time and content of each packet of the first stream of `kind`."""
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [
            (None if packet.pts is None else packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(stream)
            if packet.size
        ]


def with_packets_twice(source: Path, to: Path) -> Path:
    """Copies the video of a clip of key frames with each packet twice: each frame is decoded to equal samples twice."""
    with av.open(str(source)) as original, av.open(str(to), "w") as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        for packet in (p for p in original.demux(video=0) if p.size):
            assert packet.is_keyframe
            half = (packet.duration or 0) // 2
            for pts in (packet.pts or 0, (packet.pts or 0) + half):
                copy = av.Packet(bytes(packet))
                copy.stream, copy.time_base, copy.is_keyframe = stream, packet.time_base, True
                copy.pts, copy.dts, copy.duration = pts, pts, half
                container.mux(copy)
    return to


def retimed(source: Path, to: Path, times: dict[int, int]) -> Path:
    """Copies a clip's video, with other times, in milliseconds, of the packets of these numbers."""
    with av.open(str(source)) as original, av.open(str(to), "w") as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        stream.time_base = Fraction(1, 1000)
        for number, packet in enumerate(p for p in original.demux(video=0) if p.size):
            packet.stream = stream
            if number in times:
                packet.pts = packet.dts = times[number]
            container.mux(packet)
    return to
