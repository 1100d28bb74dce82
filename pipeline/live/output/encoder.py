"""Encodes the frames of a live stream: each leaves as a packet before the next one comes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from pipeline.errors import OutputError, SettingsError
from pipeline.flow.stage import Stage
from pipeline.frame import Frame
from pipeline.live.process.messages import SerializedPacket, StreamHeader, open_nut
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.av_frames import wrap_frame
from pipeline.media.encoding.encoder_context import configure, open_context
from pipeline.media.encoding.formats import find_encoder
from pipeline.media.encoding.video_encoding import VideoEncoding

log = logging.getLogger(__name__)

_MIN_KEY_DISTANCE = Fraction(1, 2)  # seconds between two key frames, however often they are requested
_MAX_IN_FLIGHT = 64  # frames in an encoder whose options make it hold some back


class LiveEncoder(Stage[Frame, SerializedPacket]):
    """Encodes frames as they come, with a key frame every `gop` seconds of their timestamps, and on request.

    An encoder holds frames back only if its options say so: see live/plan.py. Raises OutputError.

    Args:
        encoding: The encoding of the video.
        audio: The audio streams, whose packets others send to the outputs; None if there are none.
        gop: Seconds between two key frames.

    Attributes:
        streams: The video as stream 0, in the time base of `encoding`, then those of `audio`.
    """

    def __init__(self, encoding: VideoEncoding, audio: StreamHeader | None, gop: float) -> None:
        self._codec = Path(encoding.codec)
        self._time_base = encoding.time_base
        self._gop = round(Fraction(gop) / encoding.time_base)
        self._min_key_distance = round(_MIN_KEY_DISTANCE / encoding.time_base)
        self._last_key: int | None = None  # pts of the last key frame
        self._key_demanded = threading.Event()
        self._durations: dict[int, int] = {}  # of the frames in the encoder, by pts
        self._is_drained = False
        self._header = ExitStack()
        try:
            self._context, self.streams = _open_encoder(encoding, audio, gop, self._header)
        except BaseException:
            self._header.close()
            raise

    def demand_key(self) -> None:
        """Make the next frame a key frame, or a later one if the last is less than 0.5 s away. For any thread."""
        self._key_demanded.set()

    def feed(self, item: Frame) -> Iterator[SerializedPacket]:
        self._durations[item.pts] = item.duration
        if len(self._durations) > _MAX_IN_FLIGHT:
            del self._durations[next(iter(self._durations))]
        is_key = self._is_key_due(item.pts, item.duration)
        frame = wrap_frame(item, self._context.pix_fmt)
        frame.time_base = self._time_base
        if is_key:
            frame.pict_type = PictureType.I
        yield from self._encode(frame)

    def finish(self) -> Iterator[SerializedPacket]:
        self._is_drained = True
        yield from self._encode(None)

    def close(self) -> None:
        """Drain the encoder, for the reason in Encoder.close, and discard its packets, unless it was drained."""
        if not self._is_drained:
            self._is_drained = True
            try:
                list(self._encode(None))
            except OutputError as error:
                log.debug("draining the encoder: %s", error)
        self._header.close()

    def _is_key_due(self, pts: int, duration: int) -> bool:
        """True if the frame at `pts` has to be a key frame."""
        if self._last_key is None:
            return True
        if self._key_demanded.is_set() and pts - self._last_key >= self._min_key_distance:
            return True
        return pts - self._last_key >= self._gop - duration // 2  # the nearest frame

    def _encode(self, frame: av.VideoFrame | None) -> Iterator[SerializedPacket]:
        with translate_write_errors(self._codec):
            packets = self._context.encode(frame)
        for packet in packets:
            assert packet.pts is not None
            if packet.is_keyframe:
                self._last_key = packet.pts
                self._key_demanded.clear()
            packet.duration = self._durations.pop(packet.pts, packet.duration or 0)
            yield SerializedPacket.of(packet, 0, time.monotonic())


def _open_encoder(
    encoding: VideoEncoding, audio: StreamHeader | None, gop: float, resources: ExitStack
) -> tuple[VideoCodecContext, StreamHeader]:
    """An encoder with its parameters in the header, as most containers need them, and the header of all streams."""
    find_encoder(encoding.codec)  # raises if it does not exist
    buffer, container = open_nut()
    resources.callback(container.close)
    context = container.add_stream(encoding.codec).codec_context
    assert isinstance(context, VideoCodecContext)
    configure(context, encoding)
    context.gop_size = max(1, round(2 * gop * encoding.rate))  # for encoders that ignore the requested key frames
    rates: list[Fraction | None] = [encoding.rate]
    if audio is not None:
        with audio.open() as templates:
            for template in templates.streams:
                container.add_stream_from_template(template, opaque=True)
                rates.append(None)
    try:
        open_context(context)
        container.start_encoding()
    except (av.error.FFmpegError, OSError, ValueError) as error:
        options = " ".join(f"{key}={value}" for key, value in encoding.options.items())
        raise SettingsError(f"{encoding.codec} refuses its options ({options}) at {encoding.format}") from error
    return context, StreamHeader.from_nut(buffer, rates)
