"""The encoders of still images and animations, by the suffix of the output, and the frames that they take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.frame import PIXEL_FORMATS, FrameFormat, Siting
from pipeline.media.encoding.codecs import image_encoder
from pipeline.media.encoding.encoder_spec import EncoderSpec, ImageSpec

_BT601 = 5  # the matrix that JFIF defines, with full range


def image_encoder_for(path: Path) -> EncoderSpec | None:
    """The encoder of an output with that name; None if it is neither a still image nor an animation."""
    return image_encoder(path.suffix)


def image_format(image: ImageSpec, source: FrameFormat) -> FrameFormat:
    """The format of frames that keeps most of `source`: RGB or gray in full range; for JFIF, Y'CbCr of BT.601."""
    if image.jfif:
        colour = replace(source.colour, matrix=_BT601, full_range=True, siting=Siting.CENTRE)
        return replace(source, pixel=PIXEL_FORMATS["yuv444p"], colour=colour)
    gray, alpha = image.gray and not source.pixel.chroma, image.alpha and source.pixel.alpha
    # FFmpeg encodes 16-bit animation frames with alpha as differences that its own decoder can't decode.
    deep = image.deep and not (image.animated and alpha)
    depth = 16 if deep and source.pixel.depth > 8 else 8
    wanted = not gray, not gray, alpha, depth
    pixel = next(f for f in PIXEL_FORMATS.values() if (f.rgb, f.chroma, f.alpha, f.depth) == wanted)
    return replace(source, pixel=pixel, colour=replace(source.colour, full_range=True))
