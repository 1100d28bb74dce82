"""FFmpeg's video encoders, and the frame formats that they accept."""

from __future__ import annotations

import av

from pipeline.errors import OutputError
from pipeline.frame import PIXEL_FORMATS, PixelFormat
from pipeline.media.encoding.codecs import encoder_spec, usual_encoders
from pipeline.media.packed_formats import packings


def find_encoder(name: str) -> av.Codec:
    """The video encoder that `name` stands for, see `encoder_spec`. Raises OutputError if FFmpeg has none."""
    *others, last = usual_encoders()
    advice = f"{', '.join(others)} and {last} are the usual ones"
    try:
        codec = av.Codec(encoder_spec(name).name, "w")
    except av.codec.codec.UnknownCodecError as error:
        raise OutputError(f"no encoder called {name!r}; {advice}") from error
    if codec.type != "video":
        raise OutputError(f"{name} encodes {codec.type}, not video; {advice}")
    return codec


def encodable_format(codec: av.Codec, wanted: PixelFormat, width: int, height: int) -> PixelFormat:
    """The pixel format nearest to `wanted` whose samples an encoder accepts at a frame size, packed or not.

    Kept first are chroma and alpha, then RGB or YUV, then depth, then chroma resolution.

    Args:
        codec: The encoder.
        wanted: The pixel format of the frames.
        width: The width of the frames, in pixels.
        height: The height of the frames, in pixels.

    Raises:
        OutputError: The encoder accepts none of the formats of `PIXEL_FORMATS` at this size.
    """
    odd_sizes = encoder_spec(codec.name).odd_sizes
    accepted = [
        f for f in supported_formats(codec) if odd_sizes or width % (1 << f.sub_x) == 0 == height % (1 << f.sub_y)
    ]
    if not accepted:
        raise OutputError(f"{codec.name} accepts none of {', '.join(PIXEL_FORMATS)} at {width}x{height}")
    return min(accepted, key=lambda candidate: _distance(candidate, wanted))


def supported_formats(codec: av.Codec) -> list[PixelFormat]:
    """The pixel formats whose samples an encoder encodes unchanged."""
    return [pixel for pixel in PIXEL_FORMATS.values() if native_pix_fmt(codec, pixel)]


def native_pix_fmt(codec: av.Codec, pixel: PixelFormat) -> str | None:
    """FFmpeg's name of the format in which an encoder encodes the samples of `pixel` unchanged; None if there is none.

    It is `pixel` itself or a packing of the same samples.
    """
    names = (pixel.name, *(packing.name for packing in packings(pixel)))
    accepted = {f.name for f in codec.video_formats or ()} or {pixel.name}
    spec = encoder_spec(codec.name)
    for unchanged in (spec.pix_fmts, spec.alpha_pix_fmts if pixel.alpha else None):
        accepted &= accepted if unchanged is None else unchanged
    return next((name for name in names if name in accepted), None)


def _distance(candidate: PixelFormat, wanted: PixelFormat) -> tuple[int, ...]:
    """The differences between two formats, the most important first. Gray loses no chroma in any subsampling."""
    sub_x, sub_y = (wanted.sub_x, wanted.sub_y) if wanted.chroma else (1, 1)
    return (
        wanted.chroma and not candidate.chroma,
        wanted.alpha and not candidate.alpha,
        wanted.rgb != candidate.rgb,
        max(0, wanted.depth - candidate.depth),
        max(0, candidate.sub_x - sub_x) + max(0, candidate.sub_y - sub_y),
        candidate.alpha and not wanted.alpha,
        wanted.chroma != candidate.chroma,
        abs(candidate.depth - wanted.depth) + abs(candidate.sub_x - sub_x) + abs(candidate.sub_y - sub_y),
        wanted.interleaved != candidate.interleaved,
    )
