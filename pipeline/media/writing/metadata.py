"""Tags, languages, dispositions and chapters of a file and its streams."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from av.container import InputContainer, OutputContainer

from pipeline.media.reading.text_tags import read_chapters
from pipeline.media.writing.container_support import container_spec

_FILE_TAGS = (  # tags that describe the source file rather than its content, or would be wrong in the output
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
_MAX_CHAPTERS = 20_000  # the time that FFmpeg's muxer of Matroska takes grows with the square of the number
_ISO_FILE_TAGS = ("handler_name",)
OWN_TABLE = "use_metadata_tags"  # the flag of FFmpeg's muxer with which it writes any tag, in a table of its own
# The tags that FFmpeg writes as iTunes does (movenc.c), which players know; others need a table that few players read.
_ITUNES_TAGS = (
    "title artist album_artist composer album date comment genre copyright grouping lyrics description synopsis show "
    "episode_id network keywords episode_sort season_number media_type hd_video gapless_playback compilation track "
    "disc tmpo sort_name sort_artist sort_album_artist sort_album sort_composer sort_show creation_time timecode "
    "language location rating"
).split()


def copied_tags(metadata: dict[str, str], iso: bool = True) -> dict[str, str]:
    """Return the tags that are copied to the output; `iso`: the output belongs to the mp4 family."""
    excluded = _FILE_TAGS if iso else (*_FILE_TAGS, *_ISO_FILE_TAGS)
    tags = {key: value for key, value in metadata.items() if not key.lower().startswith(excluded)}
    if tags.get("language") == "und":
        del tags["language"]
    if "name" in tags:  # FFmpeg's key for the title of a stream in mp4 files
        tags.setdefault("title", tags.pop("name"))
    return tags


def copy_stream_metadata(stream: Any, original: Any, iso: bool) -> None:
    """Copy tags and disposition of the stream `original` to the new `stream`."""
    stream.metadata.update(copied_tags(original.metadata, iso))
    stream.disposition = original.disposition


def copy_file_metadata(
    container: OutputContainer, source: InputContainer, shift: Fraction, until: Fraction | None
) -> list[str]:
    """Copy the tags and chapters of `source` to `container`.

    Args:
        container: The output, whose header is not yet written.
        source: The source, open.
        shift: Added to the times of chapters, in seconds.
        until: See `shift_chapters`.

    Returns:
        A line for the tags, and one for the chapters, that are dropped.
    """
    muxer, dropped = container.format.name, []
    spec = container_spec(muxer)
    container.metadata.update(copied_tags(source.metadata, spec.iso))
    has_table = OWN_TABLE in container.container_options.get("movflags", "")
    if spec.iso and not has_table and (keys := non_itunes_tags(source.metadata)):
        dropped.append(f"tags dropped: {muxer} does not support {', '.join(keys)} here; .mkv does")
    chapters = read_chapters(source)
    if spec.chapters:
        if len(chapters) > _MAX_CHAPTERS:
            dropped.append(f"chapters dropped: {len(chapters)} are too many, the first {_MAX_CHAPTERS} are kept")
            del chapters[_MAX_CHAPTERS:]
        container.set_chapters(shift_chapters(chapters, shift, until))
    elif chapters:
        dropped.append(f"{len(chapters)} chapters dropped: {muxer} does not support chapters; .mkv does")
    return dropped


def non_itunes_tags(metadata: dict[str, str]) -> list[str]:
    """Return the keys of tags that files of the mp4 family store only in FFmpeg's own table."""
    return sorted(key for key in copied_tags(metadata) if key.lower().split("-")[0] not in _ITUNES_TAGS)


def shift_chapters(chapters: Sequence[Any], shift: Fraction, until: Fraction | None = None) -> list[Any]:
    """Return `chapters` moved by `shift` seconds, and cut to begin at zero at the earliest.

    Args:
        chapters: As PyAV reads them: dictionaries with id, start, end, time_base and metadata.
        shift: Seconds, negative towards zero.
        until: Chapters are cut at this time on the source's clock, in seconds; None does not cut them.
    """
    shifted = []
    for chapter in chapters:
        unit = chapter["time_base"]
        last = chapter["end"] if until is None else min(chapter["end"], round(until / unit))
        start, end = max(0, chapter["start"] + round(shift / unit)), last + round(shift / unit)
        if (end > start or not shift) and last >= chapter["start"]:
            shifted.append({**chapter, "start": start, "end": end})
    return shifted
