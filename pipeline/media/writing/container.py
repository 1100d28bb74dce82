"""The container of a result: which there are, and what their muxers are told."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from pipeline.errors import OutputError
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.reading import animation
from pipeline.media.reading.source import Source
from pipeline.media.writing import metadata
from pipeline.media.writing.cover import is_cover

# Containers that are one file, hold video beside sound and know the time of each frame (AVI does not), by FFmpeg's
# names of their muxers.
CONTAINERS = tuple("matroska webm mp4 mov ipod mpegts mpeg nut flv asf ogg mxf gif apng".split())
ISO_SUFFIXES = (".mp4", ".mov", ".m4v")  # whose edit lists hide what lies before zero
_MATROSKA_SUFFIXES = (".mkv", ".webm")
_EARLIEST = -30  # seconds; Matroska's blocks tell times before zero in 16 bits of milliseconds
_FINE = 90_000  # ticks of a second that are short enough for sound


def opened(path: Path, part: Path, told: dict[str, str]) -> OutputContainer:
    """The file `part`, opened as the container that `path` is called after. told: to the muxer. Raises OutputError."""
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist: make it first")
    with translate_write_errors(path):
        part.touch()
    try:
        container = _container(path, part, told)
    except BaseException:
        part.unlink()
        raise
    if container.format.name not in CONTAINERS:
        container.close()
        part.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: {path.suffix} is no container that keeps each frame's time in one file; .mkv, .mp4 and .mov are"
        )
    return container


def _container(path: Path, part: Path, told: dict[str, str]) -> OutputContainer:
    with translate_write_errors(path):
        try:
            return av.open(f"file:{part}", "w", container_options=told)
        except ValueError as error:
            raise OutputError(
                f"{path}: {path.suffix or 'no suffix'} is no container; .mkv, .mp4 and .mov are"
            ) from error


def options(path: Path, time_base: Fraction, source: Source, others: list[Any]) -> dict[str, str]:
    """What the muxer of `path` is told. time_base: of the new video. others: streams of `source` that come along."""
    if path.suffix.lower() in _MATROSKA_SUFFIXES:
        # The lead-in of a codec, which lies before zero, must not move pictures away from their times and chapters.
        can_tell = Fraction(source.container.start_time or 0, av.time_base) > _EARLIEST
        return {"avoid_negative_ts": "disabled"} if can_tell else {}
    if path.suffix.lower() not in ISO_SUFFIXES:
        return animation.loop_options(path.suffix.lower()[1:], source.path)
    # Edit lists count in this; at FFmpeg's default, milliseconds, a late start would be rounded.
    ticks = time_base.denominator
    told = {"movie_timescale": str(ticks * max(1, -(-_FINE // ticks)))}
    if metadata.beyond_itunes(source.container.metadata) and not any(is_cover(stream) for stream in others):
        told["movflags"] = "use_metadata_tags"  # which leave no room for cover art
    return told
