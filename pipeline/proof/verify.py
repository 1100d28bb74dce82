"""Is a result all of its source: complete, in order, in time, every stream, in the same colours?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.errors import SettingsError
from pipeline.media.reading.probe import probe
from pipeline.proof import streams as others
from pipeline.proof.colours import misread
from pipeline.proof.film import compare
from pipeline.proof.frames import judge
from pipeline.proof.reading import Film, Part, ResultFilm, SourceFilm
from pipeline.proof.recount import compare_times
from pipeline.proof.shift import common_shift
from pipeline.proof.tags import compare_tags
from pipeline.proof.tracks import Contents, Track, by_kind, contents_of
from pipeline.proof.verdict import Counts, Fault, Verdict

_NOT_CONTENT = tuple(  # keys of metadata that describe the file, not what is in it
    "encoder duration bps number_of _statistics major_brand minor_version compatible_brands title".split()
)
Found = list[Fault | str]  # faults, and remarks
_DESCRIBING = ("matroska", "mov")  # containers, by FFmpeg's names, in which streams have titles and marks
_NO_DATE = "1970-01-01T00:00:00.000000Z"  # what a container of the mp4 family says that was made at no time
_CHAPTER_SECONDS = 0.002  # how far a chapter may move: the containers' clocks differ


def verify(
    source: str | Path,
    result: str | Path,
    *,
    streams: Literal["all", "video"] = "all",
    video_stream: int | None = None,
    start: Fraction | None = None,
    end: Fraction | None = None,
    frames: int | None = None,
    quick: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Verdict:
    """Compare the video `result` with the `source` that it was made from, frame by frame and packet by packet.

    streams, video_stream, start, end, frames: as in the settings that it was made with. quick: compare packets and
    times only, and decode nothing. progress: told how many frames of the result are done.

    Raises InputError if one of them can't be opened.
    """
    before, after = probe(source, video_stream), probe(result)
    part = Part(start, end, frames)
    if quick and part != Part():
        raise SettingsError("--quick compares whole files: leave out --start, --end and --frames, or --quick")
    films = SourceFilm(before, part), ResultFilm(after, before)
    found, counts, shift = _times(*films) if quick else _frames(*films, progress)
    found += [Fault("damage", line) for line in films[0].damage]
    found += [Fault("damage", f"the result: {line}") for line in films[1].damage]
    found += compare_tags(before.video, after.video)
    if streams == "all" and not (before.pictures or after.pictures):
        contents = [contents_of(film.media.path, film.media.video.index, film.others) for film in films]
        found += _beside(contents[0], contents[1], shift, whole=part == Part())
    faults = tuple(item for item in found if isinstance(item, Fault))
    return Verdict(faults, tuple(item for item in found if isinstance(item, str)), counts, quick)


def _frames(source: Film, result: ResultFilm, progress: Callable[[int], None] | None) -> tuple[Found, Counts, float]:
    """The faults of the pictures, all decoded; the counts of frames, and the common shift in seconds."""
    match = compare(source, result, progress)
    faults, counts, shift = judge(match, float(result.media.video.time_base))
    if source.damage:  # what a decoder makes of damaged frames is left to chance
        concealed = [fault for fault in faults if fault.kind == "picture"]
        remarks = [f"{fault.message}: damage may be concealed in another way each time" for fault in concealed]
        return [*(fault for fault in faults if fault not in concealed), *remarks], counts, shift
    wrong = misread(match.colours, result.media.video.format)
    return [*faults, *([Fault("colour", wrong)] if wrong else [])], counts, shift


def _times(source: Film, result: Film) -> tuple[Found, Counts, float]:
    """The same as far as packets tell."""
    shown, there = (np.sort(list(film.times())) for film in (source, result))
    if np.isnan(shown).any() or (np.diff(shown) <= 0).any():  # a job gives such frames times that packets don't tell
        remark = "the source's clock is broken, or it has none: only the number of frames was compared"
        fault = Fault("frame-lost", f"{len(there)} of {len(shown)} frames are there", abs(len(shown) - len(there)))
        return [remark, *([fault] if len(there) != len(shown) else [])], Counts(len(shown), len(there)), 0.0
    tick = float(result.media.video.time_base)
    faults = compare_times(shown, there, tick)
    lost, doubled = (sum(f.count for f in faults if f.kind == kind) for kind in ("frame-lost", "frame-doubled"))
    even = len(shown) == len(there)
    shift = common_shift(there - shown, tick) if even else float(there[0] - shown[0]) if len(there) else 0.0
    return [*faults], Counts(len(shown), len(there), lost, doubled), shift


def _beside(source: Contents, result: Contents, shift: float, whole: bool) -> Iterator[Fault | str]:
    """Everything but the picture. whole: not just a part of the source was wanted."""
    yield from _labels(source.main, result.main, result.container)
    copies = dict(by_kind(result.tracks))
    for kind, tracks in by_kind(source.tracks):
        pairs, lost = others.pair(tracks, copies.get(kind, []))
        for track in lost:
            is_tag = track.timecode and track.timecode == result.main.timecode
            yield f"{track} has become a tag" if is_tag else Fault("stream-lost", f"{track} is missing")
        if [copy.index for _, copy in pairs] != sorted(copy.index for _, copy in pairs):
            yield Fault("stream-moved", f"the {kind} streams are in another order")
        for track, copy in pairs:
            yield from others.compare(track, copy, shift)
            yield from _labels(track, copy, result.container)
    if whole:
        yield from _chapters(source, result, shift)
    yield from _metadata(source, result)


def _labels(source: Track, copy: Track, container: str) -> Iterator[Fault | str]:
    """How a stream is described; in the result's container, if it can describe streams."""
    for fault in others.names(source, copy):
        yield fault if container.startswith(_DESCRIBING) or fault.kind == "language" else fault.message


def _chapters(source: Contents, result: Contents, shift: float) -> Iterator[Fault]:
    if len(source.chapters) != len(result.chapters):
        yield Fault("chapter", f"{len(result.chapters)} of {len(source.chapters)} chapters are there")
        return
    for number, (before, after) in enumerate(zip(source.chapters, result.chapters, strict=True), 1):
        late = max(after.start - before.start - shift, after.end - before.end - shift, key=abs)
        if abs(late) > _CHAPTER_SECONDS:
            by = f"{abs(late):.3f} s {'later' if late > 0 else 'earlier'}"
            yield Fault("chapter", f"chapter {number} begins or ends {by}", 1, before.start)
        if before.title != after.title:
            yield Fault("chapter", f"chapter {number} is called {after.title!r}, not {before.title!r}", 1, before.start)


def _metadata(source: Contents, result: Contents) -> Iterator[Fault]:
    title, now = (contents.metadata.get("title", "") for contents in (source, result))
    if title != now:
        yield Fault("title", f"the film's title is {now!r}, not {title!r}")
    for key, value in source.metadata.items():
        if value != _NO_DATE and not key.startswith(_NOT_CONTENT) and result.metadata.get(key) != value:
            yield Fault("metadata", f"its {key} is {result.metadata.get(key)!r}, not {value!r}")
