"""Which colours a result can say that it has: its codec's headers hold them, or its container's, or neither.

Each codec was written into each container and read back. Where one can't say what the source's samples mean, the
result's mean something else, which it can: they are converted, and look the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.frame import Colour, PixelFormat, Siting
from pipeline.media.encoding.codecs import codec_of, codec_spec
from pipeline.media.encoding.encoder_spec import CodecSpec, SignalledRange
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.writing.container_spec import ContainerSpec
from pipeline.media.writing.container_support import container_for

_BT601 = (5, 6)  # which are the same numbers
_FCC = 4  # nearly the same


def representable_colour(encoding: VideoEncoding, target: Path) -> tuple[VideoEncoding, str | None]:
    """`encoding`, in the nearest colours that the file `target` can say; and a note where its samples are others."""
    format, codec = encoding.format, codec_of(encoding.codec)
    colour = tellable_colour(format.colour, format.pixel, codec.name, target)
    lost = []
    if colour.full_range != format.colour.full_range:
        lost.append("full range" if format.colour.full_range else "limited range")
    if colour.matrix != format.colour.matrix and format.colour.matrix not in _BT601:
        lost.append("FCC's matrix" if format.colour.matrix == _FCC else "another matrix than BT.601's")
    place = f"{encoding.codec} in {target.suffix}"
    note = f"{place} can't say {' or '.join(lost)}: its samples are converted, and look the same" if lost else None
    if not container_for(target).signals_colour and not codec.signals_colour:
        note = f"{place} does not say what its colours are, so players guess; in .mkv it does"
    return replace(encoding, format=replace(format, colour=colour)), note


def tellable_colour(colour: Colour, pixel: PixelFormat, codec: str, target: Path) -> Colour:
    """The colour nearest to `colour` that the file `target` can say of its video, `pixel` samples coded by `codec`."""
    if pixel.rgb:
        return colour
    container, spec = container_for(target), codec_spec(codec)
    return replace(
        colour,
        matrix=_matrix(colour, spec),
        full_range=_full_range(colour, spec, container),
        siting=_siting(colour, spec, container) if pixel.sub_x or pixel.sub_y else colour.siting,
    )


def _matrix(colour: Colour, codec: CodecSpec) -> int:
    is_lost = codec.bt601_only or (not codec.fcc_matrix and colour.matrix == _FCC)
    return _BT601[0] if is_lost else colour.matrix


def _full_range(colour: Colour, codec: CodecSpec, container: ContainerSpec) -> bool:
    if codec.range is SignalledRange.FULL:
        return True
    limited_only = codec.range is SignalledRange.LIMITED or not (container.signals_range or codec.signals_range)
    return colour.full_range and not limited_only


def _siting(colour: Colour, codec: CodecSpec, container: ContainerSpec) -> Siting:
    if codec.signals_chroma_location or (container.signals_chroma_location and codec.range is not SignalledRange.FULL):
        return colour.siting
    signalled = codec.chroma_locations
    return colour.siting if colour.siting in signalled else signalled[0]
