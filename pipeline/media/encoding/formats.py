"""What encoders there are, and the formats of frames that they take."""

from __future__ import annotations

import av

from pipeline.errors import OutputError
from pipeline.frame import PIXEL_FORMATS, PixelFormat
from pipeline.media.packed_formats import packings

# What NVENC keeps as it is: of what it calls 16 bit it keeps 10, and RGB it may turn into YUV in its own way. Few of
# its GPUs, and no player's, know H.264 of 10 bit.
_NVENC_KEEPS = {"yuv420p", "nv12", "p010le", "yuv444p"}
_NVENC_H264_KEEPS = _NVENC_KEEPS - {"p010le"}
# What encoders list and refuse: x265 is built without alpha, and of VP9's alpha players know this one alone.
_WITH_ALPHA = {"libx265": set[str](), "libvpx-vp9": {"yuva420p"}}

# Encoders that take a last pair of samples, which share their chroma, of which one is cut off: tried, each of them.
_CUTTING_PAIRS = tuple("ffv1 libvpx-vp9 libvpx libsvtav1 mpeg4 mpeg2video prores prores_aw prores_ks".split())


def encoder(name: str) -> av.Codec:
    """The video encoder called `name`. Raises OutputError if FFmpeg has none."""
    try:
        codec = av.Codec(name, "w")
    except av.codec.codec.UnknownCodecError as error:
        raise OutputError(f"no encoder called {name!r}; libx264, libx265 and libsvtav1 are the usual ones") from error
    if codec.type != "video":
        raise OutputError(f"{name} encodes {codec.type}, not video; libx264, libx265 and libsvtav1 are the usual ones")
    return codec


def encodable_format(codec: av.Codec, wanted: PixelFormat, width: int, height: int) -> PixelFormat:
    """The format of frames nearest to `wanted` whose samples `codec` takes at this size, packed or not.

    Colour and alpha are kept first, then what colour is, RGB or YUV, then depth, then chroma. Raises OutputError if
    there is none.
    """
    fits = [
        f
        for f in supported_formats(codec)
        if codec.name in _CUTTING_PAIRS or width % (1 << f.sub_x) == 0 == height % (1 << f.sub_y)
    ]
    if not fits:
        raise OutputError(f"{codec.name} takes none of {', '.join(PIXEL_FORMATS)} at {width}x{height}")
    return min(fits, key=lambda found: _distance(found, wanted))


def supported_formats(codec: av.Codec) -> list[PixelFormat]:
    """The formats of frames whose samples `codec` takes just as they are."""
    return [pixel for pixel in PIXEL_FORMATS.values() if native_pix_fmt(codec, pixel)]


def native_pix_fmt(codec: av.Codec, pixel: PixelFormat) -> str | None:
    """FFmpeg's name of the format in which `codec` takes the samples of `pixel` just as they are; None if it can't."""
    names = (pixel.name, *(packing.name for packing in packings(pixel)))
    taken = {f.name for f in codec.video_formats or ()} or {pixel.name}
    if codec.name.endswith("_nvenc"):
        taken &= _NVENC_H264_KEEPS if codec.name == "h264_nvenc" else _NVENC_KEEPS
    if pixel.alpha:
        taken &= _WITH_ALPHA.get(codec.name, taken)
    return next((name for name in names if name in taken), None)


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
