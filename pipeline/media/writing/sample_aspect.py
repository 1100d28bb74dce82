"""The sample aspect ratio in Matroska files.

FFmpeg's muxer takes it from a field that PyAV does not set. So it is written into the finished file: the elements
before the first cluster are rewritten within the space that they and the padding around them take.
Elements and their IDs are those of RFC 9559, section 5.1.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from pipeline.media.encoding.codecs import codec_of
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.matroska import read_element
from pipeline.media.reading.spatial import STEREO_MODES, views
from pipeline.media.writing.container_support import container_for
from pipeline.media.writing.ebml import (
    MIN_VOID_BYTES,
    VOID,
    Element,
    concatenate,
    element,
    master,
    number,
    parse_elements,
    replace_child,
    void,
)

_CLUSTER = 0x1F43B675
_SEEK_HEAD, _SEEK, _POSITION = 0x114D9B74, 0x4DBB, 0x53AC
_TRACKS, _ENTRY, _VIDEO, _WIDTH, _HEIGHT = 0x1654AE6B, 0xAE, 0xE0, 0xB0, 0xBA
_STEREO_MODE = 0x53B8
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
_MAX_ENLARGEMENT = 4  # an exact display size may be so many times the coded one
_PADDING_BYTES = 64  # of which some 30 are needed


def padding_options(target: Path, encoding: VideoEncoding) -> dict[str, str]:
    """Return the options with which the muxer of `target` leaves the space that `complete_file` needs."""
    return {"metadata_header_padding": str(_PADDING_BYTES)} if _is_missing(target, encoding) else {}


def complete_file(part: Path, target: Path, encoding: VideoEncoding) -> list[str]:
    """Write the sample aspect ratio into a finished file whose muxer does not.

    Args:
        part: The file, closed.
        target: The name that it will have.
        encoding: The encoding of its video.

    Returns:
        A line if the file has no space for it, else nothing.
    """
    if not _is_missing(target, encoding) or write_sample_aspect(part, encoding.sample_aspect):
        return []
    aspect = encoding.sample_aspect
    return [f"sample aspect ratio {aspect} dropped: the header has no space for it; some players show square samples"]


def _is_missing(target: Path, encoding: VideoEncoding) -> bool:
    return container_for(target).matroska and encoding.sample_aspect != 1


def unsupported_sample_aspect(encoding: VideoEncoding, target: Path) -> str | None:
    """Return a note if neither the codec nor the container of `target` carries the sample aspect ratio, else None."""
    is_signalled = codec_of(encoding.codec).signals_sample_aspect or container_for(target).sample_aspect
    if encoding.sample_aspect == 1 or is_signalled:
        return None
    place = f"{encoding.codec} in {target.suffix.lower()}"
    return (
        f"sample aspect ratio {encoding.sample_aspect} dropped: {place} does not support it, so players show square "
        "samples; .mkv does"
    )


def write_sample_aspect(path: Path, aspect: Fraction) -> bool:
    """Write the display size that `aspect` means into the first track of the Matroska file `path`.

    Returns:
        False if the header has no space for it; the file is then unchanged.
    """
    with path.open("r+b") as file:
        start, parts = _header(file)
        ids = [part.id for part in parts]
        if ids[:2] != [_SEEK_HEAD, VOID] or _TRACKS not in ids or ids[-1] != VOID:
            return False
        at = ids.index(_TRACKS)
        tracks = replace_child(
            parts[at],
            _ENTRY,
            lambda entry: replace_child(entry, _VIDEO, lambda video: _with_display_size(video, aspect)),
        )
        growth = len(tracks.coded) - len(parts[at].coded)
        behind = range(len(concatenate(parts[: at + 1])), len(concatenate(parts)))
        seeks = _map_positions(parts[0], lambda position: position + growth if position in behind else position)
        space = len(concatenate(parts[:2])) - len(seeks.coded), len(parts[-1].coded) - growth
        if min(space) < MIN_VOID_BYTES:
            return False
        header = [seeks, void(space[0]), *parts[2:at], tracks, *parts[at + 1 : -1], void(space[1])]
        file.seek(start)
        file.write(concatenate(header))
    return True


def display_size(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Return the size at which a frame of `width` x `height` such samples is displayed.

    The size has the exact aspect ratio if one of at most four times the height has; else the width is rounded.
    """
    shape = aspect * width / height
    if shape.denominator > _MAX_ENLARGEMENT * height:
        return round(width * aspect), height
    times = max(1, round(Fraction(height, shape.denominator)))
    return times * shape.numerator, times * shape.denominator


def _header(file: BinaryIO) -> tuple[int, list[Element]]:
    """Return the position at which the Segment's content begins, and its elements before the first cluster."""
    ebml = read_element(file, 0)
    segment = read_element(file, ebml.end) if ebml and ebml.end else None
    start = at = segment.content if segment else 0
    parts: list[Element] = []
    while (header := read_element(file, at)) and header.id != _CLUSTER and header.end is not None:
        file.seek(at)
        parts += parse_elements(file.read(header.end - at))
        at = header.end
    return start, parts


def _with_display_size(video: Element, aspect: Fraction) -> Element:
    """Return the Video element with the display size that `aspect` means, which is that of one eye's view."""
    replaced = (_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT)
    kept = [part for part in parse_elements(video.content) if part.id not in replaced]
    sizes = {part.id: int.from_bytes(part.content, "big") for part in kept}  # and the stereo mode
    across, down = views(STEREO_MODES[sizes.get(_STEREO_MODE, 0)])
    width, height = display_size(sizes[_WIDTH], sizes[_HEIGHT], aspect * Fraction(down, across))
    return master(video.id, [*kept, element(_DISPLAY_WIDTH, number(width)), element(_DISPLAY_HEIGHT, number(height))])


def _map_positions(seeks: Element, moved: Callable[[int], int]) -> Element:
    """Return the SeekHead `seeks` with each position replaced by what `moved` returns for it."""

    def change(position: Element) -> Element:
        return element(_POSITION, number(moved(int.from_bytes(position.content, "big"))))

    parts = parse_elements(seeks.content)
    children = [replace_child(part, _POSITION, change) if part.id == _SEEK else part for part in parts]
    return master(seeks.id, children)
