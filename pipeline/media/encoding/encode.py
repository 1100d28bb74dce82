"""Stage 3: frames → packets. Packets of other streams pass."""

from __future__ import annotations

import contextlib
import logging
import weakref
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
from pipeline.frame import PIXEL_FORMATS, Frame, FrameFormat, PixelFormat
from pipeline.media.borders import writing
from pipeline.media.encoding.packing import packed, packings

log = logging.getLogger(__name__)

_UNITS = (1, 2, 16, 64)  # that sides are padded to multiples of: chroma, x265's least, and larger ones to be safe
# What NVENC keeps as it is: of what it calls 16 bit it keeps 10, and RGB it may turn into YUV in its own way.
_NVENC_KEEPS = {"yuv420p", "nv12", "p010le", "yuv444p"}


@dataclass(frozen=True)
class VideoEncoding:
    """How the result's video is encoded: codec, its options as FFmpeg names them, and what to tell players.

    format: of the frames. An encoder that takes their samples in another order only gets them packed: see `coded_as`.
    coded: FFmpeg's name of the format that frames are converted to for the encoder, if it has no order for them at all.
    encoders: how many work at once, each on closed GOPs of its own, `gop` frames in all, with `threads` threads;
    `waiting` frames may wait for them. With one encoder, GOPs and threads are its own affair.
    """

    codec: str
    format: FrameFormat
    rate: Fraction
    time_base: Fraction
    sample_aspect: Fraction = Fraction(1)
    options: dict[str, str] = field(default_factory=dict)
    coded: str | None = None
    display_matrix: tuple[int, ...] | None = None
    encoders: int = 1
    gop: int = 0
    threads: int = 0
    waiting: int = 0


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

    Colour is kept first, then what it is, RGB or YUV, then depth, then chroma. Raises OutputError if there is none.
    """
    fits = [
        f
        for f in PIXEL_FORMATS.values()
        if coded_as(codec, f) and width % (1 << f.sub_x) == 0 == height % (1 << f.sub_y)
    ]
    if not fits:
        raise OutputError(f"{codec.name} takes none of {', '.join(PIXEL_FORMATS)} at {width}x{height}")

    return min(fits, key=lambda found: _distance(found, wanted))


def taken_up(encoding: VideoEncoding) -> VideoEncoding:
    """`encoding`, its pixel format and size changed by the least that makes its encoder take it.

    Raises OutputError if there is no such format.
    """
    codec, wanted = encoder(encoding.codec), encoding.format
    made: list[VideoEncoding] = []
    for unit in _UNITS:
        width, height = (-(-side // unit) * unit for side in (wanted.width, wanted.height))
        with contextlib.suppress(OutputError):
            pixel = encodable_format(codec, wanted.pixel, width, height)
            made.append(replace(encoding, format=replace(wanted, width=width, height=height, pixel=pixel)))
            if min(width, height) >= _UNITS[-1] or not refusal(made[-1]):
                return made[-1]
    if not made:
        encodable_format(codec, wanted.pixel, wanted.width, wanted.height)
    return made[0]  # what it refuses are its options


def coded_as(codec: av.Codec, pixel: PixelFormat) -> str | None:
    """FFmpeg's name of the format in which `codec` takes the samples of `pixel` just as they are; None if it can't."""
    names = (pixel.name, *(packing.name for packing in packings(pixel)))
    taken = {f.name for f in codec.video_formats or ()} or {pixel.name}
    if codec.name.endswith("_nvenc"):
        taken &= _NVENC_KEEPS
    return next((name for name in names if name in taken), None)


def _distance(found: PixelFormat, wanted: PixelFormat) -> tuple[int, ...]:
    """How far `found` is from `wanted`; what counts more comes first."""
    lost_chroma = max(0, found.sub_x - wanted.sub_x) + max(0, found.sub_y - wanted.sub_y)
    changed = abs(found.depth - wanted.depth) + abs(found.sub_x - wanted.sub_x) + abs(found.sub_y - wanted.sub_y)
    return (
        wanted.chroma and not found.chroma,
        wanted.rgb != found.rgb,
        max(0, wanted.depth - found.depth),
        lost_chroma,
        wanted.chroma != found.chroma,
        changed,
        wanted.interleaved != found.interleaved,
    )


def configure(context: VideoCodecContext, encoding: VideoEncoding) -> None:
    """Tell an encoder everything before its first frame."""
    format, rgb = encoding.format, encoding.format.pixel.rgb
    context.time_base, context.framerate = encoding.time_base, encoding.rate
    context.width, context.height = format.width, format.height
    context.pix_fmt = encoding.coded or coded_as(context.codec, format.pixel) or format.pixel.name
    context.sample_aspect_ratio = encoding.sample_aspect
    context.colorspace = RGB_MATRIX if rgb else format.colour.matrix
    context.color_primaries = format.colour.primaries
    context.color_trc = format.colour.transfer
    context.color_range = FULL_RANGE_TAG if rgb or format.colour.full_range else LIMITED_RANGE_TAG
    context.options = _options(encoding) | {"chroma_sample_location": format.colour.siting.value}
    if encoding.codec == "libx264" and not zero_latency(encoding):
        context.thread_type = "FRAME"  # PyAV asks for slices, which cost bits, and speed on many cores
    if encoding.encoders > 1:
        context.gop_size = encoding.gop
        context.thread_count = encoding.threads


def zero_latency(encoding: VideoEncoding) -> bool:
    """Whether x264 was told to hold no frame back."""
    return "zerolatency" in encoding.options.get("tune", "")


def refusal(encoding: VideoEncoding) -> str | None:
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
    """The encoder's options, with what only its own parameters can say.

    x265 writes to the terminal by itself, opens GOPs, and takes all cores for each encoder; so does SVT-AV1.
    """
    options, several = dict(encoding.options), encoding.encoders > 1
    if encoding.codec == "libx264" and several:
        _add_parameters(options, "x264-params", ["open-gop=0"])
    if encoding.codec == "libx265":
        closed = [f"open-gop=0:pools={encoding.threads}"] if several else []
        _add_parameters(options, "x265-params", [*closed, "log-level=error"])
    elif encoding.codec == "libsvtav1" and several:
        _add_parameters(options, "svtav1-params", [f"lp={encoding.threads}"])
    return options


def _add_parameters(options: dict[str, str], name: str, ours: list[str]) -> None:
    given = [options[name]] if name in options else []
    options[name] = ":".join([*given, *ours])


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
        self.frames = self.packets = 0

    @property
    def begun(self) -> int:
        """How many frames have come to an encoder."""
        return self.frames

    def feed(self, item: Any) -> Iterator[av.Packet[Any]]:
        if not isinstance(item, Frame):
            yield item
            return
        self.frames += 1
        yield from self._encode_at(item.pts, wrapped(item, self._context.pix_fmt))

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
        return self._encode(picture)

    def _encode(self, picture: av.VideoFrame | None) -> list[av.Packet[Any]]:
        with writing(self._path):
            packets = self._context.encode(picture)
        self.packets += len(packets)
        return packets


def wrapped(frame: Frame, name: str | None = None) -> av.VideoFrame:
    """`frame` as PyAV has it, in FFmpeg's format `name`: the frame's own, or one that packs the same samples.

    Its own lies in the same memory, and the frame is released when FFmpeg drops the last reference; packed is a copy.
    """
    pixel = frame.format.pixel
    packing = next((packing for packing in packings(pixel) if packing.name == name), None)
    if packing:
        picture = packed(frame, packing)
        picture.pts, picture.duration = frame.pts, frame.duration
        frame.release()
        return picture
    planes = [plane[:] for plane in frame.planes]
    finalizer = weakref.finalize(planes[0], frame.release)
    finalizer.atexit = False
    if pixel.interleaved:
        planes[1] = planes[1].reshape(planes[1].shape[0], -1, 2)
    picture = av.VideoFrame.from_dlpack(tuple(planes), format=pixel.name)
    picture.pts, picture.duration = frame.pts, frame.duration
    return picture
