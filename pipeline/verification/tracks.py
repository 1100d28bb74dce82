"""The streams of a file as they are compared: what each is, what it is called, and its packets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.stream import Disposition

from pipeline.media.av_errors import translate_read_errors
from pipeline.media.reading.input_container import open_input
from pipeline.verification.packet_digest import Packets

_NO_LANGUAGE = ("und", "")


@dataclass(frozen=True)
class Track:
    """A stream. index: as `uprez probe` has it. kind: audio, subtitle, attachment, data, video or cover.

    tick: of its clock, in seconds. name, data: of an attachment. timecode: of its first frame, "" if there is none.
    """

    index: int
    kind: str
    codec: str
    language: str
    title: str
    flags: Disposition
    tick: float
    packets: Packets
    name: str = ""
    data: bytes = b""
    timecode: str = ""

    def __str__(self) -> str:
        words = [word for word in (self.codec, self.language, self.title, self.name) if word]
        return f"{self.kind} {self.index} ({', '.join(words)})"


@dataclass(frozen=True)
class Chapter:
    """start, end: in seconds."""

    start: float
    end: float
    title: str


@dataclass(frozen=True)
class Contents:
    """All of a file but the picture. main: the stream that is the picture; tracks: the others, in order."""

    container: str
    main: Track
    tracks: tuple[Track, ...]
    chapters: tuple[Chapter, ...]
    metadata: dict[str, str]


def contents_of(path: Path, main: int, packets: Mapping[int, Packets]) -> Contents:
    """What lies in the file `path` beside its main video; `packets`: what was read of each stream."""
    with open_input(path) as container, translate_read_errors(path):
        chapters = tuple(map(_chapter, container.chapters()))
        tracks = {
            stream.index: _track(stream, packets.get(stream.index, Packets(stream)))
            for stream in container.streams
            if not (chapters and _only_titles(stream))
        }
        others = tuple(track for index, track in tracks.items() if index != main)
        metadata = {key.lower(): value for key, value in container.metadata.items()}
        return Contents(container.format.name, tracks[main], others, chapters, metadata)


def by_kind(tracks: tuple[Track, ...]) -> Iterator[tuple[str, list[Track]]]:
    """The tracks of each kind that there is."""
    for kind in dict.fromkeys(track.kind for track in tracks):
        yield kind, [track for track in tracks if track.kind == kind]


def _track(stream: Any, packets: Packets) -> Track:
    context, metadata = stream.codec_context, stream.metadata
    language = metadata.get("language", "")
    kind = _kind(stream)
    is_attachment = kind == "attachment"
    return Track(
        index=stream.index,
        kind=kind,
        codec=str(context.codec.canonical_name) if context else "",
        language="" if language in _NO_LANGUAGE else language,
        title=metadata.get("title") or metadata.get("name", ""),  # "name": in the mp4 family
        flags=stream.disposition,
        tick=float(stream.time_base or 0),
        packets=packets,
        name=metadata.get("filename", "") if is_attachment else "",
        data=bytes(stream.data or b"") if is_attachment else b"",
        timecode=metadata.get("timecode") or metadata.get("TIMECODE", ""),  # Matroska's tags are in capitals
    )


def _kind(stream: Any) -> str:
    return "cover" if stream.disposition & Disposition.attached_pic else str(stream.type)


def _only_titles(stream: Any) -> bool:
    """Whether a stream is no more than where the mp4 family keeps the titles of chapters."""
    return stream.type == "data" and stream.name in ("bin_data", "text")


def _chapter(chapter: Any) -> Chapter:
    unit: Fraction = chapter["time_base"]
    title = chapter["metadata"].get("title", "")
    return Chapter(float(chapter["start"] * unit), float(chapter["end"] * unit), title)
