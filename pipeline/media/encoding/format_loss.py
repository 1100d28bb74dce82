"""Notes on what the pixel format of an output does not keep of the source's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.frame import PixelFormat, without_alpha
from pipeline.media.encoding.codecs import encoder_for
from pipeline.media.encoding.encoder_spec import Role
from pipeline.media.encoding.formats import encodable_format, find_encoder
from pipeline.media.encoding.video_encoding import VideoEncoding

_ALTERNATIVES = (Role.COMPATIBLE, Role.EFFICIENT, Role.LOSSLESS)  # accept nearly any format; the first plays in most
_VIDEO_WITH_ALPHA = '`codec="auto"` keeps it in .mkv, .webm and .mov'
_IMAGES_WITH_ALPHA = ".png, .tif, .webp and .apng keep it"


def format_losses(source: PixelFormat, encoding: VideoEncoding, kind: str | None, is_chosen: bool) -> Iterator[str]:
    """Notes for the user on what is lost of frames of the format `source`.

    Args:
        source: The pixel format of the source.
        encoding: How the output is encoded.
        kind: What an output of images, or a pipe, is called; None for a container of video.
        is_chosen: The user chose the pixel format of the output.
    """
    output = encoding.format.pixel
    if source.alpha and not output.alpha:
        advice = _IMAGES_WITH_ALPHA if kind else _VIDEO_WITH_ALPHA
        reason = f"{output.name} has none" if is_chosen else f"{kind or encoding.codec} does not support it; {advice}"
        yield f"transparency (alpha) dropped: {reason}"
    wanted = source if output.alpha else without_alpha(source)
    if kind or is_chosen or _layout_aside(wanted) == _layout_aside(output):
        return
    better = _alternative(wanted, encoding) if _loses(output, wanted) else None
    advice = f'; `codec="{better}"` keeps it' if better else ""
    yield f"{encoding.codec} does not support {wanted.name} here; the output is {output.name}{advice}"


def _alternative(pixel: PixelFormat, encoding: VideoEncoding) -> str | None:
    """An encoder that encodes `pixel` unchanged at the frame size of `encoding`; None if no usual one does."""
    width, height = encoding.format.width, encoding.format.height
    names = (encoder_for(role).name for role in _ALTERNATIVES)
    return next((name for name in names if encodable_format(find_encoder(name), pixel, width, height) == pixel), None)


def _loses(output: PixelFormat, wanted: PixelFormat) -> bool:
    """Return True if samples of `wanted` do not fit into frames of the format `output` without loss."""
    subsampled = output.sub_x > wanted.sub_x or output.sub_y > wanted.sub_y
    return output.depth < wanted.depth or subsampled or output.rgb != wanted.rgb


def _layout_aside(pixel: PixelFormat) -> PixelFormat:
    """`pixel` without its name and memory layout, to compare what samples mean."""
    return replace(pixel, name="", interleaved=False, shift=0)
