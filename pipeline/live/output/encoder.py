"""Frames → packets of a live stream: each frame leaves as a packet before the next one comes."""

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
from pipeline.live.process.messages import SerializedPacket, Streams, nut
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.av_frames import wrap_frame
from pipeline.media.encoding.encoder import VideoEncoding, configure
from pipeline.media.encoding.formats import find_encoder

log = logging.getLogger(__name__)

_APART = Fraction(1, 2)  # second between two key frames, however often they are asked for
_MOST_UNDER_WAY = 64  # frames in an encoder that was told to hold some back


class LiveEncoder(Stage[Frame, SerializedPacket]):
    """Encodes frames as they come; a key frame comes each `gop` seconds of their times, and where one is asked for.

    streams: the picture is stream 0, in the time base of the encoding; then come those of `audio`, whose parcels others
    bring. Whether an encoder holds frames back is a matter of its options: see live_plan. Raises OutputError.
    """

    def __init__(self, encoding: VideoEncoding, audio: Streams | None, gop: float) -> None:
        self._codec = Path(encoding.codec)
        self._time_base = encoding.time_base
        self._gop = round(Fraction(gop) / encoding.time_base)
        self._apart = round(_APART / encoding.time_base)
        self._key: int | None = None  # the time of the last key frame
        self._demanded = threading.Event()
        self._lasting: dict[int, int] = {}  # how long frames under way last, by their times
        self._drained = False
        self._head = ExitStack()
        try:
            self._context, self.streams = _opened(encoding, audio, gop, self._head)
        except BaseException:
            self._head.close()
            raise

    def demand_key(self) -> None:
        """Make the next frame a key frame, if the last one is half a second away, else soon. Called from any thread."""
        self._demanded.set()

    def feed(self, frame: Frame) -> Iterator[SerializedPacket]:
        pts = frame.pts
        self._lasting[pts] = frame.duration
        if len(self._lasting) > _MOST_UNDER_WAY:
            del self._lasting[next(iter(self._lasting))]
        is_due = self._is_due(pts, frame.duration)
        picture = wrap_frame(frame, self._context.pix_fmt)
        picture.time_base = self._time_base
        if is_due:
            picture.pict_type = PictureType.I
        yield from self._encoded(picture)

    def finish(self) -> Iterator[SerializedPacket]:
        self._drained = True
        yield from self._encoded(None)

    def close(self) -> None:
        """Let the encoder finish what it holds, for nobody, where `finish` was never reached: see Encoder.close."""
        if not self._drained:
            self._drained = True
            try:
                list(self._encoded(None))
            except OutputError as error:
                log.debug("draining the encoder: %s", error)
        self._head.close()

    def _is_due(self, pts: int, lasting: int) -> bool:
        """Whether a frame at `pts` has to be a key frame."""
        if self._key is None:
            return True
        if self._demanded.is_set() and pts - self._key >= self._apart:
            return True
        return pts - self._key >= self._gop - lasting // 2  # the frame that is nearest

    def _encoded(self, picture: av.VideoFrame | None) -> Iterator[SerializedPacket]:
        with translate_write_errors(self._codec):
            packets = self._context.encode(picture)
        for packet in packets:
            assert packet.pts is not None
            if packet.is_keyframe:
                self._key = packet.pts
                self._demanded.clear()
            packet.duration = self._lasting.pop(packet.pts, packet.duration or 0)
            yield SerializedPacket.of(packet, 0, time.monotonic())


def _opened(
    encoding: VideoEncoding, audio: Streams | None, gop: float, closed_later: ExitStack
) -> tuple[VideoCodecContext, Streams]:
    """An encoder with its parameters in front of its stream, as most containers want them; and all the streams."""
    find_encoder(encoding.codec)  # raises where there is none
    room, container = nut()
    closed_later.callback(container.close)
    context = container.add_stream(encoding.codec).codec_context
    assert isinstance(context, VideoCodecContext)
    configure(context, encoding)
    context.gop_size = max(1, round(2 * gop * encoding.rate))  # of itself, where it can't be told
    rates: list[Fraction | None] = [encoding.rate]
    if audio is not None:
        with audio.opened() as templates:
            for template in templates.streams:
                container.add_stream_from_template(template, opaque=True)
                rates.append(None)
    try:
        context.open()
        container.start_encoding()
    except (av.error.FFmpegError, OSError, ValueError) as error:
        given = " ".join(f"{key}={value}" for key, value in encoding.options.items())
        raise SettingsError(f"{encoding.codec} refuses its options ({given}) at {encoding.format}") from error
    return context, Streams.written(room, rates)
