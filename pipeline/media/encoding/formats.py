"""What encoders there are, and the formats of frames that they take."""

from __future__ import annotations

import av

from pipeline.errors import OutputError
from pipeline.frame import PIXEL_FORMATS, PixelFormat
from pipeline.media.encoding.codecs import encoder_spec, usual_encoders
from pipeline.media.packed_formats import packings


def find_encoder(name: str) -> av.Codec:
    """The video encoder called `name`. Raises OutputError if FFmpeg has none."""
    try:
        codec = av.Codec(name, "w")
    except av.codec.codec.UnknownCodecError as error:
        raise OutputError(f"no encoder called {name!r}; {_usual()} are the usual ones") from error
    if codec.type != "video":
        raise OutputError(f"{name} encodes {codec.type}, not video; {_usual()} are the usual ones")
    return codec


def _usual() -> str:
    *others, last = usual_encoders()
    return f"{', '.join(others)} and {last}"


def encodable_format(codec: av.Codec, wanted: PixelFormat, width: int, height: int) -> PixelFormat:
    """The format of frames nearest to `wanted` whose samples `codec` takes at this size, packed or not.

    Colour and alpha are kept first, then what colour is, RGB or YUV, then depth, then chroma. Raises OutputError if
    there is none.
    """
    odd_sizes = encoder_spec(codec.name).odd_sizes
    fits = [f for f in supported_formats(codec) if odd_sizes or width % (1 << f.sub_x) == 0 == height % (1 << f.sub_y)]
    if not fits:
        raise OutputError(f"{codec.name} takes none of {', '.join(PIXEL_FORMATS)} at {width}x{height}")
    return min(fits, key=lambda found: _distance(found, wanted))


def supported_formats(codec: av.Codec) -> list[PixelFormat]:
    """The formats of frames whose samples `codec` takes just as they are."""
    return [pixel for pixel in PIXEL_FORMATS.values() if native_pix_fmt(codec, pixel)]


def native_pix_fmt(codec: av.Codec, pixel: PixelFormat) -> str | None:
    """FFmpeg's name of the format in which `codec` takes the samples of `pixel` just as they are; None if it can't."""
    names = (pixel.name, *(packing.name for packing in packings(pixel)))
    accepted = {f.name for f in codec.video_formats or ()} or {pixel.name}
    spec = encoder_spec(codec.name)
    for unchanged in (spec.pix_fmts, spec.alpha_pix_fmts if pixel.alpha else None):
        accepted &= accepted if unchanged is None else unchanged
    return next((name for name in names if name in accepted), None)


def _distance(found: PixelFormat, wanted: PixelFormat) -> tuple[int, ...]:
    """How far `found` is from `wanted`; what counts more comes first. Gray loses no chroma: it takes the smallest."""
    sub_x, sub_y = (wanted.sub_x, wanted.sub_y) if wanted.chroma else (1, 1)
    return (
        wanted.chroma and not found.chroma,
        wanted.alpha and not found.alpha,
        wanted.rgb != found.rgb,
        max(0, wanted.depth - found.depth),
        max(0, found.sub_x - sub_x) + max(0, found.sub_y - sub_y),
        found.alpha and not wanted.alpha,
        wanted.chroma != found.chroma,
        abs(found.depth - wanted.depth) + abs(found.sub_x - sub_x) + abs(found.sub_y - sub_y),
        wanted.interleaved != found.interleaved,
    )
