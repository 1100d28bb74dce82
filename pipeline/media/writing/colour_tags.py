"""The colours that an output can be tagged with, by its codec's headers or its container.

Each codec was written into each container and read back. Where neither can express the source's colour, samples are
converted to the nearest colour that they can express, which looks the same.
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

_BT601 = (5, 6)  # H.273's codes of BT.601, which are the same numbers
_FCC = 4


def representable_colour(encoding: VideoEncoding, target: Path) -> tuple[VideoEncoding, str | None]:
    """Return `encoding` in the nearest colour that the output `target` can be tagged with, and a note if it differs."""
    format, codec = encoding.format, codec_of(encoding.codec)
    colour = nearest_supported_colour(format.colour, format.pixel, codec.name, target)
    unsupported = []
    if colour.full_range != format.colour.full_range:
        unsupported.append("full range" if format.colour.full_range else "limited range")
    if colour.matrix != format.colour.matrix and format.colour.matrix not in _BT601:
        unsupported.append("the FCC matrix" if format.colour.matrix == _FCC else "matrices other than BT.601's")
    place, note = f"{encoding.codec} in {target.suffix}", None
    if unsupported:
        note = f"{place} does not support {' or '.join(unsupported)}: samples are converted, and look the same"
    if not container_for(target).signals_colour and not codec.signals_colour:
        note = f"{place} has no colour tags, so players guess; .mkv has them"
    return replace(encoding, format=replace(format, colour=colour)), note


def nearest_supported_colour(colour: Colour, pixel: PixelFormat, codec: str, target: Path) -> Colour:
    """Return the colour nearest to `colour` that an output can be tagged with.

    Args:
        colour: The colour of the samples.
        pixel: Their format.
        codec: FFmpeg's name of the codec.
        target: The output.
    """
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
