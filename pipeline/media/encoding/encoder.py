"""The stage that encodes frames with one encoder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext

from pipeline.errors import OutputError
from pipeline.flow.stage import Stage
from pipeline.frame import Frame
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.av_frames import wrap_frame
from pipeline.media.encoding.codecs import encoder_spec
from pipeline.media.reading.source import Packet

log = logging.getLogger(__name__)


class Encoder(Stage["Frame | Packet", Packet]):
    """Encodes frames, and passes packets of other streams along.

    A frame is released as soon as the encoder has dropped its memory: see `wrap_frame`.

    Attributes:
        frames: Number of frames taken so far.
        packets: Number of packets encoded so far.
    """

    def __init__(self, path: Path, context: VideoCodecContext, time_base: Fraction, shift: int = 0) -> None:
        """Encode with an encoder that is open.

        Args:
            path: The output, for error messages.
            context: The encoder.
            time_base: The time base of the frames' pts, in seconds.
            shift: Added to each frame's pts, in units of `time_base`.
        """
        self._path = path
        self._context = context
        self._time_base = time_base
        self._shift = shift
        self._drained = False
        self._tags_frames = encoder_spec(context.name).tags_from_frames
        self.frames = self.packets = 0

    @property
    def started(self) -> int:
        """Number of frames whose encoding has started."""
        return self.frames

    def feed(self, item: Frame | Packet) -> Iterator[Packet]:
        if not isinstance(item, Frame):
            yield item
            return
        self.frames += 1
        yield from self._encode_at(item.pts, wrap_frame(item, self._context.pix_fmt))

    def finish(self) -> Iterator[Packet]:
        self._drained = True
        yield from self._encode(None)

    def close(self) -> None:
        """Drain the encoder and discard its packets, unless `finish` was reached.

        Its threads may be reading frames whose memory is about to be freed, and some encoders hang when they are freed
        while they work.
        """
        if not self._drained:
            self._drained = True
            try:
                self._encode(None)
            except OutputError as error:
                log.debug("draining the encoder: %s", error)

    def _encode_at(self, pts: int, frame: av.VideoFrame) -> list[Packet]:
        frame.pts, frame.time_base = pts + self._shift, self._time_base
        if self._tags_frames:
            _copy_tags(self._context, frame)
        return self._encode(frame)

    def _encode(self, frame: av.VideoFrame | None) -> list[Packet]:
        """Send a frame to the encoder, None to drain it, and return the packets that are ready."""
        with translate_write_errors(self._path):
            packets: list[Packet] = list(self._context.encode(frame))
        self.packets += len(packets)
        return packets


def _copy_tags(context: VideoCodecContext, frame: av.VideoFrame) -> None:
    frame.colorspace, frame.color_range = context.colorspace, context.color_range
    frame.color_primaries, frame.color_trc = context.color_primaries, context.color_trc
