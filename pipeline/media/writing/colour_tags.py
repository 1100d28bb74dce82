"""Which colours a result can say that it has: its codec's headers hold them, or its container's, or neither.

Each codec was written into each container and read back. Where one can't say what the source's samples mean, the
result's mean something else, which it can: they are converted, and look the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av

from pipeline.frame import Colour, PixelFormat, Siting
from pipeline.media.encoding.encoder import VideoEncoding

# Codecs by the names of their formats. The first say everything by themselves, wherever they lie.
_SELF_DESCRIBED = ("h264", "hevc")
_LIMITED_ALONE = ("prores", "cfhd", "mpeg2video", "vp8")
_FULL_ALONE = ("mjpeg",)
_BT601_ALONE = ("vp8", "mjpeg")  # RFC 6386, section 9.2; JFIF, section 2
_BT601 = (5, 6)  # which are the same numbers
_FCC = 4  # nearly the same
_WITHOUT_FCC = ("vp9",)
_SITED = {"av1": (Siting.LEFT, Siting.TOP_LEFT), "mjpeg": (Siting.CENTRE,)}
_USUAL = (Siting.LEFT,)  # what readers take it for where nothing is said
_RANGE_INSIDE = (*_SELF_DESCRIBED, "dnxhd")
_WITHOUT_RANGE = (".mov",)  # as QuickTime's colr has none
_WITH_SITING = (".mkv", ".webm")
_SILENT = (".nut", ".asf", ".wmv", ".flv")  # that say nothing of colours by themselves
_SPEAKING = (*_SELF_DESCRIBED, "av1", "vp9", "mpeg2video")  # codecs that do


def representable_colour(encoding: VideoEncoding, target: Path) -> tuple[VideoEncoding, str | None]:
    """`encoding`, in the nearest colours that the file `target` can say; and a note where its samples are others."""
    format, codec = encoding.format, av.Codec(encoding.codec, "w").canonical_name
    colour = tellable_colour(format.colour, format.pixel, codec, target)
    lost = []
    if colour.full_range != format.colour.full_range:
        lost.append("full range" if format.colour.full_range else "limited range")
    if colour.matrix != format.colour.matrix and format.colour.matrix not in _BT601:
        lost.append("FCC's matrix" if format.colour.matrix == _FCC else "another matrix than BT.601's")
    place = f"{encoding.codec} in {target.suffix}"
    note = f"{place} can't say {' or '.join(lost)}: its samples are converted, and look the same" if lost else None
    if target.suffix.lower() in _SILENT and codec not in _SPEAKING:
        note = f"{place} does not say what its colours are, so players guess; in .mkv it does"
    return replace(encoding, format=replace(format, colour=colour)), note


def tellable_colour(colour: Colour, pixel: PixelFormat, codec: str, target: Path) -> Colour:
    """The colour nearest to `colour` that the file `target` can say of its video, `pixel` samples coded by `codec`."""
    if pixel.rgb:
        return colour
    suffix = target.suffix.lower()
    return replace(
        colour,
        matrix=_matrix(colour, codec),
        full_range=_full_range(colour, codec, suffix),
        siting=_siting(colour, codec, suffix) if pixel.sub_x or pixel.sub_y else colour.siting,
    )


def _matrix(colour: Colour, codec: str) -> int:
    is_lost = codec in _BT601_ALONE or (codec in _WITHOUT_FCC and colour.matrix == _FCC)
    return _BT601[0] if is_lost else colour.matrix


def _full_range(colour: Colour, codec: str, suffix: str) -> bool:
    if codec in _FULL_ALONE:
        return True
    limited_alone = codec in _LIMITED_ALONE or (suffix in _WITHOUT_RANGE and codec not in _RANGE_INSIDE)
    return colour.full_range and not limited_alone


def _siting(colour: Colour, codec: str, suffix: str) -> Siting:
    if codec in _SELF_DESCRIBED or (suffix in _WITH_SITING and codec not in _FULL_ALONE):
        return colour.siting
    known = _SITED.get(codec, _USUAL)
    return colour.siting if colour.siting in known else known[0]
