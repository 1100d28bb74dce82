"""Is a result all of its source: complete, in order, in time, every stream, in the same colours?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError, SettingsError
from pipeline.media.decoding.interlace.bwdif import Deinterlacing
from pipeline.media.decoding.interlace.policy import DeinterlaceMode, plan_deinterlacing
from pipeline.media.reading.media_info import MediaInfo, VideoInfo
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.probe import probe
from pipeline.media.writing.colour_tags import tellable_colour
from pipeline.verification import stream_check as others
from pipeline.verification.alignment import compare
from pipeline.verification.clock_offset import common_shift
from pipeline.verification.colour_check import misread
from pipeline.verification.frame_check import judge
from pipeline.verification.packet_count import compare_times, miscount
from pipeline.verification.readers import Film, Part, ResultFilm, SourceFilm, result_film
from pipeline.verification.tag_check import compare_tags
from pipeline.verification.tracks import Contents, Track, by_kind, contents_of
from pipeline.verification.verdict import Counts, Fault, Verdict

_NOT_CONTENT = tuple(  # keys of metadata that describe the file, not what is in it
    "encoder duration bps number_of _statistics major_brand minor_version compatible_brands title".split()
)
Found = list[Fault | str]  # faults, and remarks
_DESCRIBING = ("matroska", "mov")  # containers, by FFmpeg's names, in which streams have titles and marks
_PICTURES_ALONE = ("gif", "apng", "yuv4mpegpipe")  # containers that hold nothing else, and few tags
_NO_DATE = "1970-01-01T00:00:00.000000Z"  # what a container of the mp4 family says that was made at no time
_DOUBLED = 1.5  # times the source's rate: each of its fields has become a frame
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
    deinterlace: DeinterlaceMode = "auto",
    quick: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Verdict:
    """Compare the video `result` with the `source` that it was made from, frame by frame and packet by packet.

    streams, video_stream, start, end, frames, deinterlace: as in the settings that it was made with; two frames for
    each of an interlaced source need not be told of. quick: compare packets and
    times only, and decode nothing. progress: told how many frames of the result are done.

    Either may be pictures, one or numbered ones, as in `upscale`. They hold no times and nothing else: their order
    alone is compared. Raises InputError if one of them can't be opened, or is a pipe.
    """
    for name, path in (("source", source), ("result", result)):
        if is_pipe(Path(path)):
            raise InputError(f"verify reads files, not pipes: save the {name} first")
    part = Part(start, end, frames)
    if quick and part != Part():
        raise SettingsError("--quick compares whole files: leave out --start, --end and --frames, or --quick")
    with _reading():
        before = probe(source, video_stream)
        after = _as_meant(probe(result), before)
        fields = _deinterlacing(before, after, deinterlace, part, quick)
        films = SourceFilm(before, part, before.video.alpha and after.video.alpha, fields), result_film(after, before)
        found, counts, shift = _times(*films) if quick else _frames(*films, progress)
        found += ["the frames of the source count twice, once for each field"] if fields and fields.doubled else []
        found += [Fault("damage", line) for line in films[0].damage]
        found += [Fault("result-damaged", line) for line in films[1].damage]
        found += _tags(before, after)
        if streams == "all":
            found += _others(*films, shift, whole=part == Part())
    faults = tuple(item for item in found if isinstance(item, Fault))
    return Verdict(faults, tuple(item for item in found if isinstance(item, str)), counts, quick)


def _deinterlacing(
    source: MediaInfo, result: MediaInfo, wish: DeinterlaceMode, part: Part, quick: bool
) -> Deinterlacing | None:
    """How the source was deinterlaced for the result; for the times alone it matters only if its frames are doubled."""
    doubled = result.video.rate > _DOUBLED * source.video.rate
    if quick and not doubled:
        return None
    found = plan_deinterlacing(source, wish, part.start, part.end).deinterlacing
    is_found = wish == "auto" and found is not None and doubled
    return plan_deinterlacing(source, "field", part.start, part.end).deinterlacing if is_found else found


@contextmanager
def _reading() -> Iterator[None]:
    """Raise InputError where a file has vanished meanwhile, or can't be read any more."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{error.filename or 'a file'}: can't be read ({error.strerror or error})") from error


def _as_meant(result: MediaInfo, source: MediaInfo) -> MediaInfo:
    """A result whose samples mean what the source's do where its file can't say it: in y4m."""
    if result.container != "yuv4mpegpipe":
        return result
    format, meant = result.video.format, source.video.format.colour
    colour = replace(format.colour, matrix=meant.matrix, primaries=meant.primaries, transfer=meant.transfer)
    return replace(result, video=replace(result.video, format=replace(format, colour=colour)))


def _is_pictures(media: MediaInfo) -> bool:
    return media.images is not None or media.container in _PICTURES_ALONE


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
    even = len(shown) == len(there)
    # A job gives frames of a broken clock times that packets don't tell.
    is_broken = bool(np.isnan(shown).any() or (np.diff(shown) <= 0).any())
    if is_broken or result.timeless:
        why = "the source's clock is broken, or it has none" if is_broken else "pictures hold no times"
        faults = [] if even else [miscount(len(shown), len(there))]
        return [f"{why}: only the number of frames was compared", *faults], _counts(shown, there, faults), 0.0
    tick = float(result.media.video.time_base)
    faults = compare_times(shown, there, tick)
    shift = common_shift(there - shown, tick) if even else float(there[0] - shown[0]) if len(there) else 0.0
    return [*faults], _counts(shown, there, faults), shift


def _counts(shown: NDArray[np.float64], there: NDArray[np.float64], faults: list[Fault]) -> Counts:
    lost, doubled = (sum(f.count for f in faults if f.kind == kind) for kind in ("frame-lost", "frame-doubled"))
    return Counts(len(shown), len(there), lost, doubled)


def _tags(source: MediaInfo, result: MediaInfo) -> Iterator[Fault | str]:
    """How the video is described; in pictures that is no fault, as few of them can say it."""
    meant = source.video if _is_pictures(result) else _as_told(source.video, result)
    if meant != source.video:
        told = f"{result.video.codec} in {result.path.suffix}"
        yield f"{told} can't say all of the source's colour: the nearest that it can is expected"
    for item in compare_tags(meant, result.video):
        yield item.message if isinstance(item, Fault) and _is_pictures(result) else item


def _as_told(source: VideoInfo, result: MediaInfo) -> VideoInfo:
    """`source`, its colour the nearest that the file of `result` can say."""
    codec = av.Codec(result.video.codec, "r").canonical_name
    colour = tellable_colour(source.format.colour, result.video.format.pixel, codec, result.path)
    return replace(source, format=replace(source.format, colour=colour))


def _others(source: Film, result: Film, shift: float, whole: bool) -> Iterator[Fault | str]:
    """Everything beside the picture, where there can be anything."""
    if _is_pictures(result.media):
        if source.media.others:
            yield f"pictures are silent: the source's other streams are not in them ({len(source.media.others)})"
    elif not source.media.images:
        contents = [contents_of(film.media.path, film.media.video.index, film.others) for film in (source, result)]
        yield from _beside(contents[0], contents[1], shift, whole)


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
        if value == _NO_DATE or key.startswith(_NOT_CONTENT):
            continue
        if key not in result.metadata:
            yield Fault("metadata", f"the tag {key} ({value}) is missing")
        elif (there := result.metadata[key]) != value:
            yield Fault("metadata", f"the tag {key} is {there!r}, not {value!r}")
