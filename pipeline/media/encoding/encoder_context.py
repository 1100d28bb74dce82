"""Creates, configures and opens FFmpeg's encoders, and finds formats that they accept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import av
import av.error
from av.video.codeccontext import VideoCodecContext

from pipeline.colour.tags import FULL_RANGE_TAG, LIMITED_RANGE_TAG, RGB_MATRIX
from pipeline.errors import OutputError
from pipeline.frame import Colour, FrameFormat
from pipeline.media.encoding.codecs import codec_of, encoder_spec
from pipeline.media.encoding.encoder_spec import SignalledRange
from pipeline.media.encoding.formats import encodable_format, find_encoder, native_pix_fmt
from pipeline.media.encoding.hdr import hdr_parameters
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.system.scheduling import scheduling_kept

_SIDE_MULTIPLES = (1, 2, 16, 64)  # that sides are padded to: none, chroma, x265's least size, and more to be safe
_BT601 = 5  # H.273's code of its matrix


def create_context(encoding: VideoEncoding) -> VideoCodecContext:
    """An encoder that is configured for `encoding` and not yet open."""
    context = av.CodecContext.create(encoding.codec, "w")
    assert isinstance(context, VideoCodecContext)
    configure(context, encoding)
    return context


def configure(context: VideoCodecContext, encoding: VideoEncoding) -> None:
    """Set format, colour tags, options and threads of an encoder that is not yet open."""
    format, rgb = encoding.format, encoding.format.pixel.rgb
    context.time_base, context.framerate = encoding.time_base, encoding.rate
    context.width, context.height = format.width, format.height
    context.pix_fmt = encoding.convert_to or native_pix_fmt(context.codec, format.pixel) or format.pixel.name
    context.sample_aspect_ratio = encoding.sample_aspect
    context.colorspace = RGB_MATRIX if rgb else format.colour.matrix
    context.color_primaries = format.colour.primaries
    context.color_trc = format.colour.transfer
    context.color_range = FULL_RANGE_TAG if rgb or format.colour.full_range else LIMITED_RANGE_TAG
    context.options = _options(encoding) | {"chroma_sample_location": format.colour.siting.coded.value}
    if encoder_spec(encoding.codec).frame_threads and not encoding.is_zero_latency:
        context.thread_type = "FRAME"  # PyAV's default are slices, which cost bits, and speed on many cores
    if encoding.encoders > 1:
        context.gop_size = encoding.gop
        context.thread_count = encoding.threads


def open_context(context: VideoCodecContext) -> None:
    """Open an encoder; the calling thread, and the encoder's own threads, keep the scheduling policy of the caller.

    Raises:
        FFmpegError, OSError, ValueError: PyAV's errors, for callers to translate.
    """
    with scheduling_kept():
        context.open()


def _options(encoding: VideoEncoding) -> dict[str, str]:
    """The encoder's options, its private parameters included: HDR first, the user's, then those always needed.

    Of a parameter that is given twice, encoders use the last value.
    """
    spec, options = encoder_spec(encoding.codec), dict(encoding.options)
    if encoding.format.pixel.alpha:
        options = dict(spec.alpha_options) | options
    if spec.parameters_options:
        name = spec.parameters_options[0]
        hdr = hdr_parameters(encoding.codec, encoding.hdr) if encoding.hdr else []
        parallel = spec.parallel.parameters if spec.parallel and encoding.encoders > 1 else ""
        parts = [*hdr, options.get(name, ""), parallel.format(threads=encoding.threads), spec.parameters]
        if parameters := ":".join(part for part in parts if part):
            options[name] = parameters
    return options


def probe_encoder(encoding: VideoEncoding) -> str | None:
    """Open an encoder for `encoding` on this machine, and return FFmpeg's reason if that fails; None if it works."""
    context = create_context(encoding)
    try:
        open_context(context)
    except (av.error.FFmpegError, OSError) as error:
        return str(getattr(error, "strerror", None) or error)
    return None


def negotiate_format(encoding: VideoEncoding, was_rgb: bool = False, exactly: bool = False) -> VideoEncoding:
    """Change pixel format and size of `encoding` by the least that makes its encoder accept them.

    Args:
        encoding: The encoding as it is wanted.
        was_rgb: The source is RGB.
        exactly: The pixel format must stay, so that only the size may change.

    Returns:
        The encoding with the format to use. Only frames smaller than 64 pixels are tried, as no encoder refuses others.

    Raises:
        OutputError: There is no such format.
    """
    for format in _nearest_formats(encoding, exactly):
        colour = _colour(encoding, became_yuv=was_rgb and not format.pixel.rgb)
        negotiated = replace(encoding, format=replace(format, colour=colour))
        if min(format.width, format.height) >= _SIDE_MULTIPLES[-1] or not probe_encoder(negotiated):
            return negotiated
    raise OutputError(f"{encoding.codec} supports no pixel format near {encoding.format}: choose another `codec`")


def _nearest_formats(encoding: VideoEncoding, exactly: bool) -> Iterator[FrameFormat]:
    """The formats nearest to that of `encoding` that its encoder lists, padded by more and more."""
    wanted, codec = encoding.format, find_encoder(encoding.codec)
    for multiple in _SIDE_MULTIPLES:
        width, height = (-(-side // multiple) * multiple for side in (wanted.width, wanted.height))
        with contextlib.suppress(OutputError):
            pixel = encodable_format(codec, wanted.pixel, width, height)
            if not exactly or pixel == wanted.pixel:
                yield FrameFormat(width, height, pixel, wanted.colour)


def _colour(encoding: VideoEncoding, became_yuv: bool) -> Colour:
    """The colour of the encoded samples: the source's, unless the codec or its players support only another one."""
    colour, codec = encoding.format.colour, codec_of(encoding.codec)
    if codec.range is SignalledRange.FULL:
        return replace(colour, matrix=_BT601, full_range=True, siting=codec.chroma_locations[0])
    return replace(colour, full_range=False) if became_yuv else colour
