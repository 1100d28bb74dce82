"""Stage 3: frames → packets. Packets of other streams pass."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.codeccontext import VideoCodecContext

from pipeline.colour.tags import FULL_RANGE_TAG, LIMITED_RANGE_TAG, RGB_MATRIX
from pipeline.errors import OutputError
from pipeline.flow.stage import Stage
from pipeline.frame import Colour, Frame, FrameFormat
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.av_frames import wrap_frame
from pipeline.media.encoding.codecs import codec_of, encoder_spec
from pipeline.media.encoding.encoder_spec import SignalledRange
from pipeline.media.encoding.formats import encodable_format, find_encoder, native_pix_fmt
from pipeline.media.encoding.hdr import hdr_parameters
from pipeline.media.reading.hdr import Hdr

log = logging.getLogger(__name__)

_UNITS = (1, 2, 16, 64)  # that sides are padded to multiples of: chroma, x265's least, and larger ones to be safe
_BT601 = 5  # H.273's code of its matrix


@dataclass(frozen=True)
class VideoEncoding:
    """How the result's video is encoded: codec, its options as FFmpeg names them, and what to tell players.

    format: of the frames. An encoder that takes their samples in another order only gets them packed: see `coded_as`.
    coded: FFmpeg's name of the format that frames are converted to for the encoder, if it has no order for them at all.
    encoders: how many work at once, each on closed GOPs of its own, `gop` frames in all, with `threads` threads;
    `waiting` frames may wait for them. With one encoder, GOPs and threads are its own affair. hdr: what stream and
    container say of the light.
    """

    codec: str
    format: FrameFormat
    rate: Fraction
    time_base: Fraction
    sample_aspect: Fraction = Fraction(1)
    options: dict[str, str] = field(default_factory=dict)
    convert_to: str | None = None
    display_matrix: tuple[int, ...] | None = None
    hdr: Hdr | None = None
    encoders: int = 1
    gop: int = 0
    threads: int = 0
    waiting: int = 0


def negotiate_format(encoding: VideoEncoding, was_rgb: bool = False, exactly: bool = False) -> VideoEncoding:
    """`encoding`, its pixel format and size changed by the least that makes its encoder take it.

    was_rgb: its source is RGB. exactly: its size alone may be changed. Raises OutputError if there is no such format.
    """
    codec, wanted = find_encoder(encoding.codec), encoding.format
    made: list[VideoEncoding] = []
    for unit in _UNITS:
        width, height = (-(-side // unit) * unit for side in (wanted.width, wanted.height))
        with contextlib.suppress(OutputError):
            pixel = encodable_format(codec, wanted.pixel, width, height)
            if exactly and pixel != wanted.pixel:
                continue
            colour = _colour(encoding, became_yuv=was_rgb and not pixel.rgb)
            made.append(replace(encoding, format=FrameFormat(width, height, pixel, colour)))
            if min(width, height) >= _UNITS[-1] or not probe_encoder(made[-1]):
                return made[-1]
    if not made:
        encodable_format(codec, wanted.pixel, wanted.width, wanted.height)
    return made[0]  # what it refuses are its options


def _colour(encoding: VideoEncoding, became_yuv: bool) -> Colour:
    """What the samples of a result mean: what those of its source do, where its codec and its players know that."""
    colour = encoding.format.colour
    codec = codec_of(encoding.codec)
    if codec.range is SignalledRange.FULL:
        return replace(colour, matrix=_BT601, full_range=True, siting=codec.chroma_locations[0])
    return replace(colour, full_range=False) if became_yuv else colour


def configure(context: VideoCodecContext, encoding: VideoEncoding) -> None:
    """Tell an encoder everything before its first frame."""
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
    if encoder_spec(encoding.codec).frame_threads and not zero_latency(encoding):
        context.thread_type = "FRAME"  # PyAV asks for slices, which cost bits, and speed on many cores
    if encoding.encoders > 1:
        context.gop_size = encoding.gop
        context.thread_count = encoding.threads


def zero_latency(encoding: VideoEncoding) -> bool:
    """Whether x264 was told to hold no frame back."""
    return "zerolatency" in encoding.options.get("tune", "")


def probe_encoder(encoding: VideoEncoding) -> str | None:
    """Why this machine has no such encoder, tried by opening one; None if it has."""
    context = av.CodecContext.create(encoding.codec, "w")
    assert isinstance(context, VideoCodecContext)
    configure(context, encoding)
    try:
        context.open()
    except (av.error.FFmpegError, OSError) as error:
        return str(getattr(error, "strerror", None) or error)
    return None


def _options(encoding: VideoEncoding) -> dict[str, str]:
    """The encoder's options, including its private parameters: HDR first, the user's, then those it always needs."""
    spec, options = encoder_spec(encoding.codec), dict(encoding.options)
    if encoding.format.pixel.alpha:
        options = dict(spec.alpha_options) | options
    if spec.parameters_options:
        name = spec.parameters_options[0]
        hdr = hdr_parameters(encoding.codec, encoding.hdr) if encoding.hdr else []
        several = spec.parallel.parameters if spec.parallel and encoding.encoders > 1 else ""
        parts = [*hdr, options.get(name, ""), several.format(threads=encoding.threads), spec.parameters]
        if parameters := ":".join(part for part in parts if part):
            options[name] = parameters
    return options


def _tag(picture: av.VideoFrame, context: VideoCodecContext) -> None:
    picture.colorspace, picture.color_range = context.colorspace, context.color_range
    picture.color_primaries, picture.color_trc = context.color_primaries, context.color_trc


class Encoder(Stage[Any, Any]):
    """Feeds one encoder. A frame is handed over as `wrapped` does.

    path: of the file that is made, for errors. time_base: that of the frames' pts. shift: added to each of them.
    frames, packets: how many have been taken, and given.
    """

    def __init__(self, path: Path, context: VideoCodecContext, time_base: Fraction, shift: int = 0) -> None:
        self._path = path
        self._context = context
        self._time_base = time_base
        self._shift = shift
        self._drained = False
        self._tags_frames = encoder_spec(context.name).tags_from_frames
        self.frames = self.packets = 0

    @property
    def started(self) -> int:
        """How many frames have come to an encoder."""
        return self.frames

    def feed(self, item: Any) -> Iterator[av.Packet[Any]]:
        if not isinstance(item, Frame):
            yield item
            return
        self.frames += 1
        yield from self._encode_at(item.pts, wrap_frame(item, self._context.pix_fmt))

    def finish(self) -> Iterator[av.Packet[Any]]:
        self._drained = True
        yield from self._encode(None)

    def close(self) -> None:
        """Let the encoder finish what it holds, for nobody, where `finish` was never reached.

        Its threads may be reading frames whose memory is about to go, and some encoders hang when freed at work.
        """
        if not self._drained:
            self._drained = True
            try:
                self._encode(None)
            except OutputError as error:
                log.debug("draining the encoder: %s", error)

    def _encode_at(self, pts: int, picture: av.VideoFrame) -> list[av.Packet[Any]]:
        picture.pts, picture.time_base = pts + self._shift, self._time_base
        if self._tags_frames:
            _tag(picture, self._context)
        return self._encode(picture)

    def _encode(self, picture: av.VideoFrame | None) -> list[av.Packet[Any]]:
        with translate_write_errors(self._path):
            packets = self._context.encode(picture)
        self.packets += len(packets)
        return packets
