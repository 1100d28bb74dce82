"""What plain FFmpeg finds in a file: the oracle beside the tool, which shares no code with it."""

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
from av.stream import Disposition

from tests.cases import pattern, samples

_LOUD = 0.15
_TURNS = {0: (), 90: (0, -1, 0, 1, 0), 180: (-1, 0, 0, 0, -1), -90: (0, 1, 0, -1, 0)}  # by degrees to the left
_QUIET_SECONDS = 0.03  # between two clicks, more than an encoder smears one


@dataclass(frozen=True)
class Shown:
    """A frame as it would be shown, turned as the file says. number: None if unreadable. time: in seconds."""

    number: int | None
    time: Fraction | None
    size: tuple[int, int]
    bits: int


@dataclass(frozen=True)
class Stream:
    """A stream as a player lists it. about: language, title and dispositions. packets: their contents.

    hidden: how many packets at its beginning an edit list hides.
    """

    kind: str
    codec: str
    about: tuple[str, ...]
    packets: tuple[bytes, ...]
    hidden: int


def files(path: Path) -> list[Path]:
    """The files that a name stands for: itself, or where it is a pattern such as %03d.png, all numbered ones."""
    if path.exists() or "%" not in path.name:
        return [path] if path.exists() else []
    numbered = re.compile(re.sub(r"%0\d+d", r"\\d+", re.escape(path.name)))
    return sorted(found for found in path.parent.iterdir() if numbered.fullmatch(found.name))


def frames(path: Path, threads: str = "SLICE") -> list[Shown]:
    """The frames of the largest video, or of numbered pictures; what doesn't decode is passed over.

    threads: how FFmpeg shares out the work, SLICE or FRAME: what it conceals of a damaged frame depends on it.
    """
    return [shown for name in files(path) for shown in _shown(name, threads)]


def sure(path: Path) -> list[Shown]:
    """The frames of a file that may be damaged; numbers that depend on how FFmpeg conceals damage are None."""
    other = {_place(index, one): one.number for index, one in enumerate(frames(path, "FRAME"))}
    found = frames(path)
    unsure = [other.get(_place(index, one), one.number) != one.number for index, one in enumerate(found)]
    return [replace(one, number=None) if doubtful else one for one, doubtful in zip(found, unsure, strict=True)]


def _place(index: int, shown: Shown) -> Fraction | int:
    return index if shown.time is None else shown.time


def relative(shown: list[Shown]) -> list[Fraction | None]:
    """Their times from the first that has one."""
    first = next((one.time for one in shown if one.time is not None), Fraction(0))
    return [None if one.time is None else one.time - first for one in shown]


def streams(path: Path) -> list[Stream]:
    """What streams there are, with their packets; none if FFmpeg can't open the file."""
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
    """When each audio stream clicks: the middles of its bursts, in seconds of the file's own clock."""
    with av.open(f"file:{path}") as container:
        return [_clicks(path, stream.index) for stream in container.streams.audio]


def subtitles(path: Path) -> list[list[tuple[Fraction, str]]]:
    """When each text of each subtitle stream comes, and what it says; pictures say nothing."""
    with av.open(f"file:{path}") as container:
        indices = [stream.index for stream in container.streams.subtitles]
    return [_texts(path, index) for index in indices]


def chapters(path: Path) -> list[tuple[Fraction, Fraction, str]]:
    """Start, end and title of each chapter."""
    with av.open(f"file:{path}") as container:
        return [
            (c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"].get("title", ""))
            for c in container.chapters()
        ]


def title(path: Path) -> str | None:
    with av.open(f"file:{path}") as container:
        return container.metadata.get("title")


def timecode(path: Path) -> str | None:
    """What a studio's clock shows at the first frame, wherever the file tells it."""
    with av.open(f"file:{path}") as container:
        told = [container.metadata, *(stream.metadata for stream in container.streams)]
    return next((labels[key] for labels in told for key in labels if key.lower() == "timecode"), None)


def shape(path: Path) -> Fraction:
    """How wide the samples of the largest video are for their height, as they are shown."""
    with av.open(f"file:{path}") as container:
        stream = container.streams[largest(container)]
        oblong = stream.sample_aspect_ratio or Fraction(1)
        return 1 / oblong if samples.transposes(turn(next(container.decode(stream)))) else oblong


def turn(frame: av.VideoFrame) -> tuple[int, ...]:
    """How players turn a frame: its display matrix, nine numbers, empty if there is none."""
    try:
        matrix = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV lists nothing where it doesn't know one of them, such as EXIF
        return _TURNS[frame.rotation]
    return tuple(np.frombuffer(matrix, np.int32).tolist()) if matrix else ()


def _shown(path: Path, threads: str) -> Iterator[Shown]:
    try:
        container = av.open(f"file:{path}")
    except (av.error.FFmpegError, OSError):
        return
    with container:
        index = largest(container)
        if index is None:
            return
        stream = container.streams[index]
        stream.thread_type = threads
        for frame in decoded(container, stream):
            rgb = frame.reformat(format="rgb24").to_ndarray().transpose(2, 0, 1)
            upright = samples.turned(rgb, turn(frame)).transpose(1, 2, 0)
            time = None if frame.pts is None else frame.pts * stream.time_base
            size = upright.shape[1], upright.shape[0]
            yield Shown(pattern.number_of(upright), time, size, frame.format.components[0].bits)


def largest(container: Any) -> int | None:
    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    sizes = [s.codec_context.width * s.codec_context.height for s in films]
    return films[int(np.argmax(sizes))].index if films else None


def _packets(container: Any, *chosen: Any) -> Iterator[Any]:
    """Packets until the file ends, well or badly."""
    demuxed = container.demux(*chosen)
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, av.error.FFmpegError):
            return
        if packet.size:
            yield packet


def decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Every frame that decodes, whatever lies between them."""
    for packet in _packets(container, stream):
        with contextlib.suppress(av.error.FFmpegError):
            yield from stream.codec_context.decode(packet)
    while True:  # each error ends a call, though frames may wait behind it
        try:
            yield from stream.codec_context.decode(None)
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            continue


def _stream(stream: Any, contents: list[bytes], hidden: int) -> Stream:
    covered = bool(stream.disposition & Disposition.attached_pic)
    kind = "cover" if covered else stream.type or "data"
    codec = stream.codec_context.name if stream.codec_context else ""
    placed = stream.disposition & (Disposition.forced | Disposition.comment | Disposition.hearing_impaired)
    if codec == "mov_text":  # an mp4 fills the time between two texts with empty ones
        contents = [content for content in contents if content != b"\0\0"]
    language = stream.metadata.get("language", "und")
    about = language, stream.metadata.get("title", ""), str(placed)
    return Stream(kind, codec, about, tuple(contents), hidden)


def _texts(path: Path, index: int) -> list[tuple[Fraction, str]]:
    with av.open(f"file:{path}") as container:
        stream = container.streams[index]
        told = [
            (packet.pts * stream.time_base, line.ass.decode().split(",", 8)[-1])
            for packet in _packets(container, stream)
            for line in stream.codec_context.decode2(packet) or ()
            if line.type == b"ass"
        ]
    return [(time, text.strip()) for time, text in told if text.strip()]


def _clicks(path: Path, index: int) -> list[Fraction]:
    with av.open(f"file:{path}") as container:
        stream = container.streams[index]
        loud = [
            frame.pts * stream.time_base + Fraction(int(at), frame.sample_rate)
            for frame in decoded(container, stream)
            for at in np.flatnonzero(np.abs(_wave(frame)) > _LOUD)
        ]
    bursts: list[list[Fraction]] = []
    for time in loud:
        if not bursts or time - bursts[-1][-1] > _QUIET_SECONDS:
            bursts.append([])
        bursts[-1].append(time)
    return [(burst[0] + burst[-1]) / 2 for burst in bursts]


def _wave(frame: av.AudioFrame) -> Any:
    samples = frame.to_ndarray()[0]
    return samples / np.iinfo(samples.dtype).max if np.issubdtype(samples.dtype, np.integer) else samples
