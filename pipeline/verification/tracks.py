"""The streams, chapters and tags of a file, as they are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.stream import Disposition

from pipeline.media.av_errors import translate_read_errors
from pipeline.media.codec_parameters import codec_name
from pipeline.media.reading.input_container import open_input
from pipeline.media.reading.text_tags import read_chapters
from pipeline.media.writing.matroska_chapters import chapter_tree, read_rich_chapters
from pipeline.verification.packet_digest import PacketDigests

_NO_LANGUAGE = ("und", "")


@dataclass(frozen=True)
class Track:
    """A stream.

    Attributes:
        index: Stream index.
        kind: audio, subtitle, attachment, data, video or cover.
        codec: FFmpeg's name of the codec, "" if it is unknown.
        language: "" if there is none.
        title: "" if there is none.
        flags: Its disposition.
        tick: Resolution of its clock in seconds.
        packets: Its packets.
        name: File name of an attachment.
        data: Content of an attachment.
        timecode: Of the first frame, "" if there is none.
    """

    index: int
    kind: str
    codec: str
    language: str
    title: str
    flags: Disposition
    tick: float
    packets: PacketDigests
    name: str = ""
    data: bytes = b""
    timecode: str = ""

    def __str__(self) -> str:
        codec = self.codec or ("" if self.kind == "attachment" else "unknown codec")
        words = [word for word in (codec, self.language, self.title, self.name) if word]
        return f"{self.kind} {self.index} ({', '.join(words)})"


@dataclass(frozen=True)
class Chapter:
    """A chapter.

    Attributes:
        start: Time at which it begins, in seconds.
        end: Time at which it ends, in seconds.
        title: "" if there is none.
    """

    start: float
    end: float
    title: str


@dataclass(frozen=True)
class FileContents:
    """Everything in a file but the frames of its video.

    Attributes:
        container: FFmpeg's name of the demuxer.
        main: The video stream that is compared frame by frame.
        tracks: The other streams, in order.
        chapters: In order.
        rich_chapters: Matroska's own chapters, where a list does not express them, as nested lists; empty if it does.
        metadata: Tags of the file, keys in lower case.
    """

    container: str
    main: Track
    tracks: tuple[Track, ...]
    chapters: tuple[Chapter, ...]
    metadata: dict[str, str]
    rich_chapters: list[Any] = field(default_factory=list)


def read_contents(path: Path, main: int, packets: Mapping[int, PacketDigests]) -> FileContents:
    """Read everything that a file contains except its video.

    Args:
        path: The file.
        main: Stream index of the video.
        packets: The packets of the other streams, by stream index.
    """
    with open_input(path) as container, translate_read_errors(path):
        chapters = tuple(map(_chapter, read_chapters(container)))
        tracks = {
            stream.index: _track(stream, packets.get(stream.index, PacketDigests(stream)))
            for stream in container.streams
            if not (chapters and _is_chapter_titles(stream))
        }
        others = tuple(track for index, track in tracks.items() if index != main)
        metadata = {key.lower(): value for key, value in container.metadata.items()}
        rich = read_rich_chapters(path) if container.format.name.startswith("matroska") else None
        tree = chapter_tree(rich) if rich else []
        return FileContents(container.format.name, tracks[main], others, chapters, metadata, tree)


def group_by_kind(tracks: tuple[Track, ...]) -> Iterator[tuple[str, list[Track]]]:
    """Yield each kind of track, and the tracks of that kind."""
    for kind in dict.fromkeys(track.kind for track in tracks):
        yield kind, [track for track in tracks if track.kind == kind]


def _track(stream: Any, packets: PacketDigests) -> Track:
    metadata = stream.metadata
    language = metadata.get("language", "")
    kind = _kind(stream)
    is_attachment = kind == "attachment"
    return Track(
        index=stream.index,
        kind=kind,
        codec=codec_name(stream),
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


def _is_chapter_titles(stream: Any) -> bool:
    """Return True if a stream is the track in which the mp4 family stores chapter titles."""
    return stream.type == "data" and stream.name in ("bin_data", "text")


def _chapter(chapter: Any) -> Chapter:
    unit: Fraction = chapter["time_base"]
    title = chapter["metadata"].get("title", "")
    return Chapter(float(chapter["start"] * unit), float(chapter["end"] * unit), title)
