"""Compares everything in source and output but the video's frames: streams, labels, chapters and tags."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.verification.stream_check import compare_labels, compare_lead_in, compare_tracks, pair_tracks
from pipeline.verification.tracks import FileContents, Track, group_by_kind
from pipeline.verification.verdict import Fault

_NOT_CONTENT = tuple(  # keys of tags that describe the file rather than its content
    "encoder duration bps number_of _statistics major_brand minor_version compatible_brands title".split()
)
_DESCRIBING = ("matroska", "mov")  # FFmpeg's names of containers in which streams have titles and dispositions
_NO_DATE = "1970-01-01T00:00:00.000000Z"  # the creation time that the mp4 family writes for none
_MAX_CHAPTER_SHIFT = 0.002  # seconds by which a chapter may move, as the containers' clocks differ


def compare_contents(
    source: FileContents, output: FileContents, shift: float, is_complete: bool
) -> Iterator[Fault | str]:
    """Yield faults and remarks.

    Args:
        source: What the source contains.
        output: What the output contains.
        shift: Of the output's clock in seconds.
        is_complete: The complete source was upscaled, so that chapters can be compared.
    """
    yield from _compare_labels(source.main, output.main, output.container)
    copies = dict(group_by_kind(output.tracks))
    for kind, tracks in group_by_kind(source.tracks):
        pairs, lost = pair_tracks(tracks, copies.get(kind, []))
        for track in lost:
            is_tag = track.timecode and track.timecode == output.main.timecode
            yield f"{track} is stored as a tag" if is_tag else Fault("stream-lost", f"{track} is missing")
        if [copy.index for _, copy in pairs] != sorted(copy.index for _, copy in pairs):
            yield Fault("stream-moved", f"the {kind} streams are in another order")
        for track, copy in pairs:
            found = list(compare_tracks(track, copy, shift))
            yield from found
            is_alike = not any(isinstance(item, Fault) for item in found)
            if is_alike and is_complete and output.container.startswith(_DESCRIBING):  # others can't hide a lead-in
                yield from compare_lead_in(track, copy, shift)
            yield from _compare_labels(track, copy, output.container)
    if is_complete:
        yield from _compare_chapters(source, output, shift)
    yield from _compare_metadata(source, output)


def _compare_labels(source: Track, copy: Track, container: str) -> Iterator[Fault | str]:
    """Yield differing labels as faults, or as remarks where the output's container does not support them."""
    for fault in compare_labels(source, copy):
        yield fault if container.startswith(_DESCRIBING) or fault.kind == "language" else fault.message


def _compare_chapters(source: FileContents, output: FileContents, shift: float) -> Iterator[Fault | str]:
    if source.rich_chapters != output.rich_chapters:
        if output.container.startswith("matroska") and abs(shift) <= _MAX_CHAPTER_SHIFT:
            yield Fault("chapter", "its nested, hidden or ordered chapters, their languages or editions differ")
        else:
            yield "the source's nested, hidden or ordered chapters, languages and editions are a flat list"
    if len(source.chapters) != len(output.chapters):
        yield Fault("chapter", f"{len(output.chapters)} of {len(source.chapters)} chapters are present")
        return
    for number, (before, after) in enumerate(zip(source.chapters, output.chapters, strict=True), 1):
        late = max(after.start - before.start - shift, after.end - before.end - shift, key=abs)
        if abs(late) > _MAX_CHAPTER_SHIFT:
            by = f"{abs(late):.3f} s {'later' if late > 0 else 'earlier'}"
            yield Fault("chapter", f"chapter {number} begins or ends {by}", 1, before.start)
        if before.title != after.title:
            message = f"chapter {number} has the title {after.title!r}, not {before.title!r}"
            yield Fault("chapter", message, 1, before.start)


def _compare_metadata(source: FileContents, output: FileContents) -> Iterator[Fault]:
    before, after = (contents.metadata.get("title", "") for contents in (source, output))
    if before != after:
        yield Fault("title", f"the file's title is {after!r}, not {before!r}")
    for key, value in source.metadata.items():
        if value == _NO_DATE or key.startswith(_NOT_CONTENT):
            continue
        if key not in output.metadata:
            yield Fault("metadata", f"the tag {key} ({value}) is missing")
        elif (actual := output.metadata[key]) != value:
            yield Fault("metadata", f"the tag {key} is {actual!r}, not {value!r}")
