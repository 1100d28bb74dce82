"""What the format of a result does not keep of its source's, said in lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.frame import PixelFormat, without_alpha
from pipeline.media.encoding.codecs import encoder_for
from pipeline.media.encoding.encoder import VideoEncoding
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.formats import encodable_format, find_encoder

_KEEPERS = (Role.COMPATIBLE, Role.EFFICIENT, Role.LOSSLESS)  # accept nearly any format; best supported by players first
_FILMS_WITH_ALPHA = "--codec auto keeps it in .mkv, .webm and .mov"
_PICTURES_WITH_ALPHA = ".png, .tif, .webp and .apng keep it"


def format_losses(source: PixelFormat, encoding: VideoEncoding, form: str | None, is_chosen: bool) -> Iterator[str]:
    """What becomes of frames of the format `source`.

    form: what pictures and pipes are called. is_chosen: the user wants the result's format so.
    """
    made = encoding.format.pixel
    if source.alpha and not made.alpha:
        advice = _PICTURES_WITH_ALPHA if form else _FILMS_WITH_ALPHA
        because = f"{made.name} has none" if is_chosen else f"{form or encoding.codec} can't hold it; {advice}"
        yield f"its transparency (alpha) is lost: {because}"
    colours = source if made.alpha else without_alpha(source)
    if form or is_chosen or _in_planes(colours) == _in_planes(made):
        return
    better = _keeper(colours, encoding) if _is_less(made, colours) else None
    advice = f"; --codec {better} keeps it" if better else ""
    yield f"{encoding.codec} does not take {colours.name} here; the result is {made.name}{advice}"


def _keeper(pixel: PixelFormat, encoding: VideoEncoding) -> str | None:
    """An encoder that takes frames of `pixel` as they are, so large; None if no usual one does."""
    width, height = encoding.format.width, encoding.format.height
    names = (encoder_for(role).name for role in _KEEPERS)
    return next((name for name in names if encodable_format(find_encoder(name), pixel, width, height) == pixel), None)


def _is_less(made: PixelFormat, wanted: PixelFormat) -> bool:
    """Whether samples of `wanted` don't fit into frames of the format `made` without loss."""
    return made.depth < wanted.depth or made.sub_x > wanted.sub_x or made.sub_y > wanted.sub_y or made.rgb != wanted.rgb


def _in_planes(pixel: PixelFormat) -> PixelFormat:
    """`pixel`, however its samples lie in memory."""
    return replace(pixel, name="", interleaved=False, shift=0)
