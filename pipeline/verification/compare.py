"""Compares an output with its source: frames, their order, times and colours, and every stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from pipeline.media.writing.colour_tags import nearest_supported_colour
from pipeline.verification.alignment import align
from pipeline.verification.captions_check import compare_captions
from pipeline.verification.clock_offset import common_shift
from pipeline.verification.colour_check import find_colour_fault
from pipeline.verification.content_check import compare_contents
from pipeline.verification.frame_check import check_frames
from pipeline.verification.packet_count import compare_frame_times, frame_count_fault
from pipeline.verification.readers import (
    OutputVideoReader,
    SourceRange,
    SourceVideoReader,
    VideoReader,
    carries_captions,
    output_reader,
)
from pipeline.verification.spatial_check import compare_spatial
from pipeline.verification.tag_check import compare_tags
from pipeline.verification.tracks import read_contents
from pipeline.verification.verdict import Counts, Fault, Verdict

_IMAGES_ONLY = ("gif", "apng", "yuv4mpegpipe")  # containers that store nothing but frames, and few tags
_FIELD_RATE = 1.5  # times the source's rate: each of its fields became a frame


@dataclass(frozen=True)
class _FrameReport:
    """The findings of the comparison of frames, or of their times.

    Attributes:
        items: Faults, and remarks as strings.
        counts: Numbers of frames.
        shift: Of the output's clock in seconds.
    """

    items: list[Fault | str]
    counts: Counts
    shift: float


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
    """Compare a file, frame by frame and packet by packet, with the source that it was upscaled from.

    Args:
        source: A video, or images: a single one or a pattern, as in `upscale`.
        result: The output. Images, animations and y4m have no timestamps: only the order of their frames is compared.
        streams: The job's setting: "all" streams were copied, or the "video" alone was written.
        video_stream: Index of the stream that was upscaled, None for the first video.
        start: Start of the part that was upscaled, in seconds after the first frame; None for the beginning.
        end: End of that part, in seconds after the first frame; None for the end.
        frames: Most frames of that part; None for no limit.
        deinterlace: The job's setting. An output with a frame for each field is recognised in any mode.
        quick: Compare packets and timestamps only; decode nothing.
        progress: Called with the number of output frames that are done.

    Raises:
        InputError: One of them can't be opened, or is a pipe.
        SettingsError: `quick` together with `start`, `end` or `frames`.
    """
    part = SourceRange(start, end, frames)
    _check_arguments(Path(source), Path(result), part, quick)
    with _translate_os_errors():
        media = probe(source, video_stream)
        return _compare(media, _with_source_colour(probe(result), media), part, streams, deinterlace, quick, progress)


def _check_arguments(source: Path, output: Path, part: SourceRange, quick: bool) -> None:
    for name, path in (("source", source), ("output", output)):
        if is_pipe(path):
            raise InputError(f"verify reads files, not pipes: save the {name} as a file first")
    if quick and part != SourceRange():
        raise SettingsError("`quick` compares complete files: leave out `start`, `end` and `frames`, or `quick`")


def _compare(
    source: MediaInfo,
    output: MediaInfo,
    part: SourceRange,
    streams: str,
    mode: DeinterlaceMode,
    quick: bool,
    progress: Callable[[int], None] | None,
) -> Verdict:
    deinterlacing = _deinterlacing(source, output, mode, part, quick)
    source_reader = SourceVideoReader(source, part, source.video.alpha and output.video.alpha, deinterlacing)
    reader = output_reader(output, source)
    report = _compare_times(source_reader, reader) if quick else _compare_frames(source_reader, reader, progress)
    items = list(report.items)
    if deinterlacing and deinterlacing.doubled:
        items.append("the source is interlaced: each of its fields counts as a frame")
    items += [Fault("damage", line) for line in source_reader.damage]
    items += [Fault("result-damaged", line) for line in reader.damage]
    items += _compare_descriptions(source, output)
    if not quick and not reader.is_timeless:
        tick, is_carried = float(output.video.time_base), carries_captions(output.video.codec)
        items += compare_captions(source_reader.captions, reader.captions, report.shift, tick, is_carried)
    if streams == "all":
        items += _compare_others(source_reader, reader, report.shift, is_complete=part == SourceRange())
    faults = tuple(item for item in items if isinstance(item, Fault))
    return Verdict(faults, tuple(item for item in items if isinstance(item, str)), report.counts, quick)


def _deinterlacing(
    source: MediaInfo, output: MediaInfo, mode: DeinterlaceMode, part: SourceRange, quick: bool
) -> Deinterlacing | None:
    """Return how the source was deinterlaced; for times alone that matters only if each field became a frame."""
    is_field_rate = output.video.rate > _FIELD_RATE * source.video.rate
    if quick and not is_field_rate:
        return None
    planned = plan_deinterlacing(source, mode, part.start, part.end).deinterlacing
    if mode == "auto" and planned is not None and is_field_rate:
        return plan_deinterlacing(source, "field", part.start, part.end).deinterlacing
    return planned


@contextmanager
def _translate_os_errors() -> Iterator[None]:
    """Raise InputError where a file has vanished or can't be read any more."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{error.filename or 'a file'}: can't be read ({error.strerror or error})") from error


def _with_source_colour(output: MediaInfo, source: MediaInfo) -> MediaInfo:
    """Return `output` with the source's colour if its file has no colour tags, as y4m."""
    if output.container != "yuv4mpegpipe":
        return output
    format, original = output.video.format, source.video.format.colour
    colour = replace(format.colour, matrix=original.matrix, primaries=original.primaries, transfer=original.transfer)
    return replace(output, video=replace(output.video, format=replace(format, colour=colour)))


def _is_images(media: MediaInfo) -> bool:
    return media.images is not None or media.container in _IMAGES_ONLY


def _compare_frames(
    source: VideoReader, output: OutputVideoReader, progress: Callable[[int], None] | None
) -> _FrameReport:
    """Decode and compare all frames."""
    alignment = align(source, output, progress)
    faults, counts, shift = check_frames(alignment, float(output.media.video.time_base))
    if source.damage:  # decoders conceal damaged frames in ways that depend on chance
        concealed = [fault for fault in faults if fault.kind == "picture"]
        remarks = [f"{fault.message}: damage may be concealed differently each time" for fault in concealed]
        return _FrameReport([*(fault for fault in faults if fault not in concealed), *remarks], counts, shift)
    message = find_colour_fault(alignment.colours, output.media.video.format)
    return _FrameReport([*faults, *([Fault("colour", message)] if message else [])], counts, shift)


def _compare_times(source: VideoReader, output: VideoReader) -> _FrameReport:
    """Compare the times of frames as the packets give them."""
    expected, actual = (np.sort(list(reader.times())) for reader in (source, output))
    is_same_count = len(expected) == len(actual)
    # A job repairs timestamps in ways that packets alone don't show.
    is_broken = bool(np.isnan(expected).any() or (np.diff(expected) <= 0).any())
    if is_broken or output.is_timeless:
        reason = "the source's timestamps are missing or broken" if is_broken else "images have no timestamps"
        faults = [] if is_same_count else [frame_count_fault(len(expected), len(actual))]
        remark = f"{reason}: only the number of frames was compared"
        return _FrameReport([remark, *faults], _count(expected, actual, faults), 0.0)
    tick = float(output.media.video.time_base)
    faults = compare_frame_times(expected, actual, tick)
    if is_same_count:
        shift = common_shift(actual - expected, tick)
    else:
        shift = float(actual[0] - expected[0]) if len(actual) else 0.0
    return _FrameReport([*faults], _count(expected, actual, faults), shift)


def _count(expected: NDArray[np.float64], actual: NDArray[np.float64], faults: list[Fault]) -> Counts:
    lost, doubled = (sum(f.count for f in faults if f.kind == kind) for kind in ("frame-lost", "frame-doubled"))
    return Counts(len(expected), len(actual), lost, doubled)


def _compare_descriptions(source: MediaInfo, output: MediaInfo) -> Iterator[Fault | str]:
    """Compare how the video is described; for images differences are no faults, as few formats have such tags."""
    expected = source.video if _is_images(output) else _as_supported(source.video, output)
    if expected != source.video:
        place = f"{output.video.codec} in {output.path.suffix}"
        yield f"{place} does not support all of the source's colour tags: the nearest supported ones are expected"
    for item in (*compare_tags(expected, output.video), *compare_spatial(source.video, output)):
        yield item.message if isinstance(item, Fault) and _is_images(output) else item


def _as_supported(source: VideoInfo, output: MediaInfo) -> VideoInfo:
    """Return `source` with the nearest colour that the file of `output` can be tagged with."""
    codec = av.Codec(output.video.codec, "r").canonical_name
    colour = nearest_supported_colour(source.format.colour, output.video.format.pixel, codec, output.path)
    return replace(source, format=replace(source.format, colour=colour))


def _compare_others(source: VideoReader, output: VideoReader, shift: float, is_complete: bool) -> Iterator[Fault | str]:
    """Compare everything except the video, if the output can have it."""
    if _is_images(output.media):
        if source.media.others:
            yield f"images have no other streams: the source's are dropped ({len(source.media.others)})"
    elif not source.media.images:
        contents = [
            read_contents(reader.media.path, reader.media.video.index, reader.others) for reader in (source, output)
        ]
        yield from compare_contents(contents[0], contents[1], shift, is_complete)
