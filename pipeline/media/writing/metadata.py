"""What is said about a file and its streams: tags, languages, dispositions, chapters."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

_OF_THE_FILE = (  # what describes the file that something lay in, not the content; and what would be wrong afterwards
    "encoder",
    "duration",
    "bps",
    "number_of",
    "_statistics",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "vendor_id",
)
_OF_ISO_FILES = ("handler_name",)
# What FFmpeg writes as iTunes does (movenc.c), which players know; other tags fit only in a table that few read.
_ITUNES = (
    "title artist album_artist composer album date comment genre copyright grouping lyrics description synopsis show "
    "episode_id network keywords episode_sort season_number media_type hd_video gapless_playback compilation track "
    "disc tmpo sort_name sort_artist sort_album_artist sort_album sort_composer sort_show creation_time timecode "
    "language location rating"
).split()


def kept(metadata: dict[str, str], iso: bool = True) -> dict[str, str]:
    """The tags that go along; `iso`: into a file of the mp4 family."""
    left = _OF_THE_FILE if iso else (*_OF_THE_FILE, *_OF_ISO_FILES)
    tags = {key: value for key, value in metadata.items() if not key.lower().startswith(left)}
    if tags.get("language") == "und":
        del tags["language"]
    if "name" in tags:  # as FFmpeg reads the title of a stream from mp4 files
        tags.setdefault("title", tags.pop("name"))
    return tags


def describe(stream: Any, original: Any, iso: bool) -> None:
    """Give a new stream the tags and the disposition of `original`."""
    stream.metadata.update(kept(original.metadata, iso))
    stream.disposition = original.disposition


def beyond_itunes(metadata: dict[str, str]) -> list[str]:
    """The tags that files of the mp4 family hold in a way of their own only."""
    return sorted(key for key in kept(metadata) if key.lower().split("-")[0] not in _ITUNES)


def moved(chapters: Sequence[Any], shift: Fraction, until: Fraction | None = None) -> list[Any]:
    """Chapters, `shift` seconds later; what would lie before zero, or from `until` on as it was, is cut off."""
    later = []
    for chapter in chapters:
        unit = chapter["time_base"]
        ends = chapter["end"] if until is None else min(chapter["end"], round(until / unit))
        start, end = max(0, chapter["start"] + round(shift / unit)), ends + round(shift / unit)
        if (end > start or not shift) and ends >= chapter["start"]:
            later.append({**chapter, "start": start, "end": end})
    return later
