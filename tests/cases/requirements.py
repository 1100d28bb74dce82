"""What must hold for the output of every case; each requirement yields a sentence for each violation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av

from tests.cases import cases_of, ebml, images, probe, probe_colours, shapes, streams
from tests.cases.case import DAMAGED, REFUSED
from tests.cases.command import CaseRun

Requirement = Callable[[CaseRun], Iterator[str]]

MS = Fraction(1, 1000)


def exit_code_is_as_expected(run: CaseRun) -> Iterator[str]:
    if run.outcome.code != run.expected.code:
        yield f"exit code {run.outcome.code}, expected {run.expected.code}"


def expected_messages_are_printed(run: CaseRun) -> Iterator[str]:
    if "Traceback" in run.outcome.messages:
        yield "a traceback was printed"
    printed = re.sub(rf"{re.escape(run.case.name)}|out\.\w+", "", run.outcome.messages)  # file names match by chance
    for pattern in run.expected.messages + (run.expected.messages_in_mp4 if run.into_mp4 else ()):
        if not re.search(pattern, printed, re.IGNORECASE):
            yield f"no message matches {pattern!r}"


def nothing_but_the_output_is_written(run: CaseRun) -> Iterator[str]:
    if run.leftovers:
        yield f"left beside the output: {', '.join(run.leftovers)}"
    if (run.output is None) != (run.expected.code == REFUSED):
        yield "there is no output" if run.output is None else "there is an output, though the source had to be refused"


def every_frame_is_there_once_and_in_order(run: CaseRun) -> Iterator[str]:
    numbers, expected = [frame.number for frame in run.output_frames], run.expected_numbers
    if len(numbers) != len(expected):
        yield f"{len(numbers)} frames, expected {len(expected)}: {numbers} instead of {expected}"
        return
    unlike = [(a, b) for a, b in zip(numbers, expected, strict=True) if a != b and not _is_unreadable(run, a, b)]
    if unlike:
        yield f"frame numbers and expected ones differ: {unlike}"


def _is_unreadable(run: CaseRun, *numbers: int | None) -> bool:
    """True if a damaged frame can't be compared: encoding it once more may change how its barcode is read."""
    return run.expected.code == DAMAGED and None in numbers


def every_frame_has_its_own_time(run: CaseRun) -> Iterator[str]:
    if run.output is None or run.into_images:
        return
    times = [time for time in probe.relative_times(run.output_frames) if time is not None]
    expected = run.expected_times
    if len(times) != len(expected):
        yield f"{len(times)} frames with times, expected {len(expected)}"
        return
    if times != sorted(set(times)):
        yield "times don't advance"
    tick = _tick(run.output)
    late = [(float(a), float(b)) for a, b in zip(times, expected, strict=True) if b is not None and abs(a - b) > tick]
    if late:
        yield f"times and expected ones differ: {late}"


def _tick(path: Path) -> Fraction:
    with av.open(f"file:{path}") as container:
        return max(stream.time_base for stream in container.streams.video if stream.time_base)


def audio_is_in_sync_with_the_video(run: CaseRun) -> Iterator[str]:
    if run.output is None or not run.output_frames or "audio" not in run.expected_streams or run.expected.clicks == ():
        return
    first = run.output_frames[0].time or Fraction(0)
    heard = [[click - first for click in clicks] for clicks in probe.clicks(run.output)]
    expected = _expected_clicks(run, len(heard))
    if [len(clicks) for clicks in heard] != [len(clicks) for clicks in expected]:
        yield f"clicks at {heard}, expected at {expected}"
        return
    for clicks, wanted in zip(heard, expected, strict=True):
        late = [round(float(a - b) * 1000, 3) for a, b in zip(clicks, wanted, strict=True)]
        if max(map(abs, late), default=0) > 1:
            yield f"audio is late by {late} ms"


def _expected_clicks(run: CaseRun, count: int) -> list[list[Fraction]]:
    """The times of the clicks of each of `count` audio streams, from the first frame."""
    if run.expected.clicks is not None:
        return [list(run.expected.clicks)] * count
    first = run.source_frames[0].time or Fraction(0)
    return [[click - first for click in clicks] for clicks in probe.clicks(run.source)]


def all_streams_are_there(run: CaseRun) -> Iterator[str]:
    kinds, expected = Counter(stream.kind for stream in run.output_streams), Counter(run.expected_streams)
    if kinds != expected:
        yield f"streams {dict(kinds)}, expected {dict(expected)}"


def copied_streams_have_the_same_packets(run: CaseRun) -> Iterator[str]:
    if run.output is None or not set(run.expected_streams) - {"video"}:
        return
    same = _is_part if run.case.is_part else _is_same
    for kind in ("audio", "subtitle", "cover"):
        copies = [stream for stream in run.output_streams if stream.kind == kind]
        originals = [stream for stream in run.source_streams if stream.kind == kind]
        for copy, original in zip(copies, originals, strict=False):  # their number is another requirement
            copied, packets = (_comparable(stream) for stream in (copy, original))
            if copy.codec == original.codec and not same(copied, packets, original.hidden):
                yield f"packets of {kind} {copy.codec} differ from the source's"


def _comparable(stream: probe.ProbedStream) -> tuple[bytes, ...]:
    """The packets of a stream; those of samples (PCM) as one, as each container divides them in its own way."""
    return (b"".join(stream.packets),) if stream.codec.startswith("pcm_") else stream.packets


def _is_same(copies: tuple[bytes, ...], originals: tuple[bytes, ...], hidden: int) -> bool:
    """Of the packets that are hidden at the beginning, only those that a decoder needs must be copied.

    ADTS headers, which precede each packet of AAC in a transport stream, belong to the container.
    """
    missing = len(originals) - len(copies)
    pairs = zip(copies, originals[max(0, missing) :], strict=False)
    return 0 <= missing <= hidden and all(original.endswith(copy) for copy, original in pairs)


def _is_part(copies: tuple[bytes, ...], originals: tuple[bytes, ...], hidden: int) -> bool:
    """True if the copies are consecutive originals."""
    starts = range(len(originals) - len(copies) + 1)
    return any(_is_same(copies, originals[start : start + len(copies)], 0) for start in starts)


def subtitles_keep_texts_and_times(run: CaseRun) -> Iterator[str]:
    if run.output is None or not run.output_frames or "subtitle" not in run.expected_streams:
        return
    copies, originals = probe.subtitles(run.output), probe.subtitles(run.source)
    if [[text for _, text in stream] for stream in copies] != [[text for _, text in stream] for stream in originals]:
        yield f"subtitles {copies}, expected {originals}"
        return
    start, source_start = (frames[0].time or Fraction(0) for frames in (run.output_frames, run.source_frames))
    for ours, theirs in zip(copies, originals, strict=True):
        late = [a - start - (b - source_start) for (a, _), (b, _) in zip(ours, theirs, strict=True)]
        if max(map(abs, late), default=0) > MS:
            yield f"subtitles are late by {[float(seconds) for seconds in late]} s"


def languages_titles_and_timecode_are_kept(run: CaseRun) -> Iterator[str]:
    if run.output is None or run.case not in cases_of(streams):
        return
    fields = slice(0, 1) if run.into_mp4 else slice(None)  # an mp4 stores no titles of streams
    for kind in {stream.kind for stream in run.source_streams} & set(run.expected_streams):
        labels = Counter(stream.labels[fields] for stream in run.output_streams if stream.kind == kind)
        expected = Counter(stream.labels[fields] for stream in run.source_streams if stream.kind == kind)
        if labels != expected:
            yield f"{kind} has the labels {dict(labels)}, expected {dict(expected)}"
    for name, read in (("title", probe.title), ("timecode", probe.timecode)):
        if read(run.output) != read(run.source):
            yield f"{name} {read(run.output)!r}, expected {read(run.source)!r}"


def chapters_are_kept(run: CaseRun) -> Iterator[str]:
    if run.output is None or run.case not in cases_of(streams):
        return
    if probe.chapters(run.output) != probe.chapters(run.source):
        yield f"chapters {probe.chapters(run.output)}, expected {probe.chapters(run.source)}"
    if run.case in (streams.nested_chapters, streams.ordered_chapters) and not run.into_mp4:
        stored, expected = (ebml.segment_child(path, ebml.CHAPTERS) for path in (run.output, run.source))
        if stored != expected:
            yield "Matroska's chapters are not those of the source"


def closed_captions_are_kept(run: CaseRun) -> Iterator[str]:
    if run.output is None or run.case not in cases_of(streams) or "captions" in " ".join(run.expected.messages):
        return
    if probe.captions(run.output) != probe.captions(run.source):
        yield f"closed captions {probe.captions(run.output)}, expected {probe.captions(run.source)}"


def size_and_aspect_are_kept(run: CaseRun) -> Iterator[str]:
    if run.output is None or not run.output_frames or run.case not in cases_of(shapes):
        return
    size = run.output_frames[0].size
    expected = tuple(side * run.case.scale for side in run.source_frames[0].size)
    if size != expected:
        yield f"size {size}, expected {expected}"
    aspect = run.expected.aspect or probe.display_aspect(run.source)
    if probe.display_aspect(run.output) != aspect:
        yield f"sample aspect {probe.display_aspect(run.output)}, expected {aspect}"


def layout_and_projection_are_signalled(run: CaseRun) -> Iterator[str]:
    if run.output is None or run.case not in cases_of(shapes):
        return
    in_mp4, expected = run.expected.spatial_in_mp4, run.expected.spatial
    expected = in_mp4 if run.into_mp4 and in_mp4 is not None else expected
    found = probe_colours.spatial(run.output)
    if found != expected and not (expected and found.startswith(expected)):
        yield f"described as {found!r}, expected {expected!r}"


def rotation_is_tagged_only_in_mp4(run: CaseRun) -> Iterator[str]:
    if run.case not in cases_of(shapes) or run.source_colours is None or run.output_colours is None:
        return
    matrix = run.output_colours.display_matrix
    if matrix not in (run.source_colours.display_matrix if run.into_mp4 else (), ()):
        yield f"display matrix {matrix}, though not every player honours it"


def depth_is_kept(run: CaseRun) -> Iterator[str]:
    if run.case in cases_of(images):
        bits = min((frame.bits for frame in run.output_frames), default=0)
        if bits < run.expected.bits:
            yield f"{bits} bits, expected at least {run.expected.bits}"


REQUIREMENTS: tuple[Requirement, ...] = (
    exit_code_is_as_expected,
    expected_messages_are_printed,
    nothing_but_the_output_is_written,
    every_frame_is_there_once_and_in_order,
    every_frame_has_its_own_time,
    audio_is_in_sync_with_the_video,
    all_streams_are_there,
    copied_streams_have_the_same_packets,
    subtitles_keep_texts_and_times,
    languages_titles_and_timecode_are_kept,
    chapters_are_kept,
    closed_captions_are_kept,
    size_and_aspect_are_kept,
    layout_and_projection_are_signalled,
    rotation_is_tagged_only_in_mp4,
    depth_is_kept,
)
