"""Reads a file with plain FFmpeg: the oracle, which shares no code with the package under test."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from numpy.typing import NDArray

from tests.cases import pattern, samples

_LOUD = 0.15
_ROTATIONS: dict[int, tuple[int, ...]] = {  # display matrices, by degrees counterclockwise
    0: (),
    90: (0, -1, 0, 1, 0),
    180: (-1, 0, 0, 0, -1),
    -90: (0, 1, 0, -1, 0),
}
_QUIET_SECONDS = 0.03  # between two clicks, more than an encoder smears one


@dataclass(frozen=True)
class DecodedFrame:
    """A decoded frame, rotated as the file requests.

    Attributes:
        number: read from its barcode; None if it is unreadable.
        time: in seconds; None if the file has none.
        size: width and height.
        bits: of a sample.
    """

    number: int | None
    time: Fraction | None
    size: tuple[int, int]
    bits: int


@dataclass(frozen=True)
class ProbedStream:
    """A stream as a player lists it.

    Attributes:
        kind: "video", "audio", "subtitle", "attachment", "cover" or "data".
        codec: FFmpeg's name of it.
        labels: language, title and dispositions.
        packets: their contents.
        hidden: number of packets at its beginning that an edit list hides.
    """

    kind: str
    codec: str
    labels: tuple[str, ...]
    packets: tuple[bytes, ...]
    hidden: int


def files_of(path: Path) -> list[Path]:
    """Returns the files that a name stands for: itself, or all numbered ones of a pattern such as %03d.png."""
    if path.exists() or "%" not in path.name:
        return [path] if path.exists() else []
    numbered = re.compile(re.sub(r"%0\d+d", r"\\d+", re.escape(path.name)))
    return sorted(found for found in path.parent.iterdir() if numbered.fullmatch(found.name))


def decode_frames(path: Path, threads: str = "SLICE", crop: samples.Edges = samples.UNCROPPED) -> list[DecodedFrame]:
    """Decodes the largest video, or numbered images, without the frames that don't decode.

    threads: FFmpeg's thread type, SLICE or FRAME: how it conceals a damaged frame depends on it.
    crop: what is cut off each frame.
    """
    return [frame for name in files_of(path) for frame in _decode_frames(name, threads, crop)]


def reliable_frames(path: Path, crop: samples.Edges = samples.UNCROPPED) -> list[DecodedFrame]:
    """Decodes a file that may be damaged; numbers that depend on how FFmpeg conceals damage are None."""
    other = {_place(index, frame): frame.number for index, frame in enumerate(decode_frames(path, "FRAME", crop))}
    frames = decode_frames(path, crop=crop)
    unsure = [other.get(_place(index, frame), frame.number) != frame.number for index, frame in enumerate(frames)]
    return [replace(frame, number=None) if doubt else frame for frame, doubt in zip(frames, unsure, strict=True)]


def _place(index: int, frame: DecodedFrame) -> Fraction | int:
    return index if frame.time is None else frame.time


def relative_times(frames: list[DecodedFrame]) -> list[Fraction | None]:
    """Returns their times from the first that has one."""
    first = next((frame.time for frame in frames if frame.time is not None), Fraction(0))
    return [None if frame.time is None else frame.time - first for frame in frames]


def streams(path: Path) -> list[ProbedStream]:
    """Lists the streams with their packets; none if FFmpeg can't open the file."""
    try:
        container = av.open(f"file:{path}")
    except (av.error.FFmpegError, OSError):
        return []
    with container:
        contents: dict[int, list[bytes]] = {stream.index: [] for stream in container.streams}
        hidden = Counter[int]()
        for packet in _packets(container):
            contents[packet.stream_index].append(bytes(packet))
            hidden[packet.stream_index] += packet.is_discard
        return [_stream(stream, contents[stream.index], hidden[stream.index]) for stream in container.streams]


def clicks(path: Path) -> list[list[Fraction]]:
    """Returns when each audio stream clicks: the middles of its bursts, in seconds of the file's own clock."""
    with av.open(f"file:{path}") as container:
        return [_clicks(path, stream.index) for stream in container.streams.audio]


def subtitles(path: Path) -> list[list[tuple[Fraction, str]]]:
    """Returns time and text of each cue of each subtitle stream; bitmap subtitles have no text."""
    with av.open(f"file:{path}") as container:
        indices = [stream.index for stream in container.streams.subtitles]
    return [_texts(path, index) for index in indices]


def chapters(path: Path) -> list[tuple[Fraction, Fraction, str]]:
    """Returns start, end and title of each chapter."""
    with av.open(f"file:{path}") as container:
        chapters: Any = container.chapters()
        return [
            (c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"].get("title", "")) for c in chapters
        ]


def captions(path: Path) -> list[tuple[int, bytes]]:
    """Returns the closed captions of the largest video's frames, each with the frame's place; none of other codecs."""
    with av.open(f"file:{path}") as container:
        stream: Any = container.streams[_existing(largest_video(container))]
        if stream.codec_context.name not in ("h264", "hevc", "mpeg2video"):
            return []
        found = [frame.side_data.get("A53_CC") for frame in decode(container, stream)]
    return [(place, bytes(captions)) for place, captions in enumerate(found) if captions]


def title(path: Path) -> str | None:
    """Returns the title of the file."""
    with av.open(f"file:{path}") as container:
        return container.metadata.get("title")


def timecode(path: Path) -> str | None:
    """Returns the timecode of the first frame, wherever the file stores it."""
    with av.open(f"file:{path}") as container:
        tags = [container.metadata, *(stream.metadata for stream in container.streams)]
    return next((labels[key] for labels in tags for key in labels if key.lower() == "timecode"), None)


def display_aspect(path: Path) -> Fraction:
    """Returns the width of a sample of the largest video divided by its height, after rotation."""
    with av.open(f"file:{path}") as container:
        stream: Any = container.streams[_existing(largest_video(container))]
        aspect: Fraction = stream.sample_aspect_ratio or Fraction(1)
        frame: Any = next(container.decode(stream))
        return 1 / aspect if samples.transposes(display_matrix(frame)) else aspect


def display_matrix(frame: av.VideoFrame) -> tuple[int, ...]:
    """Returns the nine numbers of a frame's display matrix; none if it has no matrix."""
    try:
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV lists no side data where it doesn't know one of its types, such as EXIF
        return _ROTATIONS[frame.rotation]
    return tuple(np.frombuffer(matrix, np.int32).tolist()) if matrix else ()


def _decode_frames(path: Path, threads: str, crop: samples.Edges) -> Iterator[DecodedFrame]:
    try:
        container = av.open(f"file:{path}")
    except (av.error.FFmpegError, OSError):
        return
    with container:
        index = largest_video(container)
        if index is None:
            return
        stream: Any = container.streams[index]
        stream.thread_type = threads
        for frame in decode(container, stream):
            rgb = samples.cropped(frame.reformat(format="rgb24").to_ndarray().transpose(2, 0, 1), crop)
            upright = samples.rotate(rgb, display_matrix(frame)).transpose(1, 2, 0)
            time = None if frame.pts is None else frame.pts * stream.time_base
            size = upright.shape[1], upright.shape[0]
            yield DecodedFrame(pattern.read_number(upright), time, size, frame.format.components[0].bits)


def largest_video(container: InputContainer) -> int | None:
    """Returns the index of the largest video stream that is no cover."""
    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    sizes = [s.codec_context.width * s.codec_context.height for s in films]
    return films[int(np.argmax(sizes))].index if films else None


def _existing(index: int | None) -> int:
    assert index is not None, "there is no video"
    return index


def _packets(container: InputContainer, *chosen: Any) -> Iterator[Any]:
    """Demultiplexes until the file ends, or an error does."""
    demuxed = container.demux(*chosen)
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, av.error.FFmpegError):
            return
        if packet.size:
            yield packet


def decode(container: InputContainer, stream: Any) -> Iterator[Any]:
    """Decodes every frame that decodes, past all errors."""
    for packet in _packets(container, stream):
        with contextlib.suppress(av.error.FFmpegError):
            yield from stream.codec_context.decode(packet)
    while True:  # each error ends a call, though frames may be waiting
        try:
            yield from stream.codec_context.decode(None)
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            continue


def _stream(stream: Any, contents: list[bytes], hidden: int) -> ProbedStream:
    is_cover = bool(stream.disposition & Disposition.attached_pic)
    kind = "cover" if is_cover else stream.type or "data"
    codec = stream.codec_context.name if stream.codec_context else ""
    disposition = stream.disposition & (Disposition.forced | Disposition.comment | Disposition.hearing_impaired)
    if codec == "mov_text":  # an mp4 fills the time between two texts with empty ones
        contents = [content for content in contents if content != b"\0\0"]
    language = stream.metadata.get("language", "und")
    labels = language, stream.metadata.get("title", ""), str(disposition)
    return ProbedStream(kind, codec, labels, tuple(contents), hidden)


def _texts(path: Path, index: int) -> list[tuple[Fraction, str]]:
    with av.open(f"file:{path}") as container:
        stream: Any = container.streams[index]
        if stream.codec_context is None:
            return []
        cues = [
            (packet.pts * stream.time_base, line.ass.decode().split(",", 8)[-1])
            for packet in _packets(container, stream)
            for line in stream.codec_context.decode2(packet) or ()
            if line.type == b"ass"
        ]
    return [(time, text.strip()) for time, text in cues if text.strip()]


def _clicks(path: Path, index: int) -> list[Fraction]:
    with av.open(f"file:{path}") as container:
        stream = container.streams[index]
        loud = [
            frame.pts * stream.time_base + Fraction(int(at), frame.sample_rate)
            for frame in decode(container, stream)
            for at in np.flatnonzero(np.abs(_waveform(frame)) > _LOUD)
        ]
    bursts: list[list[Fraction]] = []
    for time in loud:
        if not bursts or time - bursts[-1][-1] > _QUIET_SECONDS:
            bursts.append([])
        bursts[-1].append(time)
    return [(burst[0] + burst[-1]) / 2 for burst in bursts]


def _waveform(frame: av.AudioFrame) -> NDArray[np.floating]:
    values: Any = frame.to_ndarray()[0]
    full = np.iinfo(values.dtype).max if np.issubdtype(values.dtype, np.integer) else 1
    return np.asarray(values / full)
