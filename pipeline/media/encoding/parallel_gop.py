"""Several encoders in parallel: each encodes closed GOPs, and their packets are joined to one stream.

    frames ──▶ copy to a pool ──▶ distribute ─┬─▶ encoder of GOP n     ─┬─▶ replace dts ──▶ packets, in order
                                              └─▶ encoder of GOP n + 1 ─┘

A closed GOP begins with a key frame and refers to nothing outside, so the encoders need not know each other. They would
disagree on the dts alone, as each counts from its own first frame; so these are calculated for the complete stream.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from pipeline.errors import OutputError
from pipeline.flow.parallel import ParallelStage
from pipeline.flow.stage import Chain, Stage
from pipeline.frame import Frame, FrameFormat, Plane
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.av_frames import wrap_frame
from pipeline.media.encoding.codecs import encoder_spec
from pipeline.media.encoding.dts import AssignDts, DecodingTimes, RecordPts
from pipeline.media.encoding.encoder import Encoder
from pipeline.media.encoding.encoder_context import create_context, open_context
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.source import Packet

T = TypeVar("T")

# Measured on film with x264 veryfast and medium: with three frames of lead-in, the first key frame is within 8 % of the
# size that it has in mid-stream, and the complete stream within 0.1 dB of one encoder's. Without lead-in and lookahead
# it is 0.3 to 0.6 dB and 5 to 10 % less.
_LEAD_IN = 3  # frames
LOOKAHEAD = 16  # frames of a GOP that are repeated, mirrored, after its end
_MAX_LOOKAHEAD = 4  # GOPs of mirrored frames after which an encoder must have returned the packets of its own


class ParallelEncoder(Chain["Frame | Packet", Packet]):
    """Encodes frames with `encoding.encoders` encoders, in order; packets of other streams are passed along."""

    def __init__(
        self, path: Path, header: VideoCodecContext, encoding: VideoEncoding, time_base: Fraction, shift: int
    ) -> None:
        """Encode a stream whose header is written.

        Args:
            path: The output, for error messages.
            header: The open encoder that the container's header was written from; it encodes nothing itself.
            encoding: How the video is encoded.
            time_base: The time base of the frames' pts, in seconds.
            shift: Added to each frame's pts, in units of `time_base`.
        """
        self._path = path
        times = DecodingTimes()
        self._pool = _CopyToPool(encoding.format)
        make = partial(GopEncoder, path, header, encoding, time_base, shift)
        self._parallel: ParallelStage[Frame, Packet, Packet] = ParallelStage(
            make, Frame, encoding.encoders, encoding.gop, encoding.waiting
        )
        self._assign = AssignDts(times)
        super().__init__(RecordPts(times, shift), self._pool, self._parallel, self._assign)

    @property
    def frames(self) -> int:
        """Number of frames taken so far."""
        return self._pool.frames

    @property
    def started(self) -> int:
        """Number of frames whose encoding has started."""
        return self.frames - self._parallel.waiting

    @property
    def packets(self) -> int:
        """Number of packets encoded so far."""
        return self._assign.packets

    def finish(self) -> Iterator[Packet]:
        yield from super().finish()
        if self.packets != self.frames:
            counts = f"the encoders returned {self.packets} packets for {self.frames} frames"
            raise OutputError(f"{self._path}: {counts}: try `encoders=1`, and please report it")


class GopEncoder(Encoder):
    """Encodes one closed GOP with an encoder of its own.

    An encoder with lookahead spends too few bits on the last frames before an unknown future, and on its first key
    frame. So it is also fed frames outside the GOP, whose packets are dropped: before it, the GOP's first frames in
    reverse order; after it, its last frames in reverse order, which measure as well as the frames that really follow.
    """

    def __init__(
        self, path: Path, header: VideoCodecContext, encoding: VideoEncoding, time_base: Fraction, shift: int
    ) -> None:
        """Open an encoder like `header`; the arguments are those of ParallelEncoder."""
        context = create_context(encoding)
        if header.flags & Flags.global_header:
            context.flags |= Flags.global_header
        with translate_write_errors(path):
            open_context(context)
        if context.extradata != header.extradata:
            raise OutputError(
                f"{path}: two {encoding.codec} encoders disagree on the stream's header: try `encoders=1`"
            )
        super().__init__(path, context, time_base, shift)
        self._gop = encoding.gop
        self._lead_in = _LEAD_IN if looks_ahead(encoding) else 0
        self._latest: deque[tuple[int, av.VideoFrame]] = deque(maxlen=LOOKAHEAD if self._lead_in else 1)
        self._start = self._end = 0  # the pts of the GOP's first and latest frame
        self._returned = 0  # packets of the GOP's own frames

    def feed(self, item: Frame | Packet) -> Iterator[Packet]:
        assert isinstance(item, Frame)
        self._latest.append((item.pts, wrap_frame(item)))
        self.frames += 1
        if self.frames == self._lead_in + 1:
            yield from self._begin()
        elif self.frames > self._lead_in:
            yield from self._encode_own(*self._latest[-1])

    def finish(self) -> Iterator[Packet]:
        if 0 < self.frames <= self._lead_in:
            self._lead_in = 0
            yield from self._begin()
        if self._lead_in and self.frames == self._gop:
            yield from self._look_ahead()
        if self._returned < self.frames:
            yield from self._own_packets(list(super().finish()))
        self._drained = True  # x264 may still hold mirrored frames; it is freed with them safely

    def _begin(self) -> Iterator[Packet]:
        """Encode the frames so far, after a lead-in of the same frames."""
        frames = list(self._latest)
        self._start, key = frames[0]
        for pts, frame in frames[self._lead_in : 0 : -1]:
            self._encode_at(2 * self._start - pts, frame)
        if self._lead_in:
            key.pict_type = PictureType.I
        for pts, frame in frames:
            yield from self._encode_own(pts, frame)

    def _look_ahead(self) -> Iterator[Packet]:
        """Feed the last frames, mirrored again and again, until the packets of all own frames are returned."""
        reverse = [frame for _, frame in reversed(self._latest)]
        step = self._latest[-1][0] - self._latest[-2][0]
        for count in range(1, _MAX_LOOKAHEAD * self._gop):
            if self._returned == self.frames:
                return
            frame = mirrored(reverse, count)
            # A key frame first, or the GOP's last B-frames would refer to frames whose packets are dropped.
            frame.pict_type = PictureType.I if count == 1 else PictureType.NONE
            yield from self._own_packets(self._encode_at(self._latest[-1][0] + count * step, frame))

    def _encode_own(self, pts: int, frame: av.VideoFrame) -> Iterator[Packet]:
        self._end = pts
        yield from self._own_packets(self._encode_at(pts, frame))

    def _own_packets(self, packets: list[Packet]) -> Iterator[Packet]:
        """Those of `packets` whose frames belong to the GOP."""
        for packet in packets:
            if packet.pts is not None and self._start <= packet.pts - self._shift <= self._end:
                self._returned += 1
                yield packet


def mirrored(items: Sequence[T], index: int) -> T:
    """Item `index` of the endless sequence that runs through `items` alternately forwards and backwards."""
    at = index % max(1, 2 * len(items) - 2)
    return items[at if at < len(items) else 2 * len(items) - 2 - at]


def looks_ahead(encoding: VideoEncoding) -> bool:
    """Return True if the encoder spends bits by the frames that follow, as x264 from preset veryfast on (mbtree)."""
    parallel = encoder_spec(encoding.codec).parallel
    if parallel is None or parallel.presets_without_lookahead is None or encoding.is_zero_latency:
        return False
    return encoding.options.get("preset") not in parallel.presets_without_lookahead and encoding.gop > LOOKAHEAD


class _CopyToPool(Stage["Frame | Packet", "Frame | Packet"]):
    """Copies frames into a pool of buffers, so that the upscaler's slots need not wait for encoders.

    Attributes:
        frames: Number of frames so far. The stage that follows bounds how many are in the pool.
    """

    def __init__(self, format: FrameFormat) -> None:
        self._format = format
        self._free: list[Plane] = []
        self.frames = 0

    def feed(self, item: Frame | Packet) -> Iterator[Frame | Packet]:
        yield self._copied(item) if isinstance(item, Frame) else item

    def _copied(self, frame: Frame) -> Frame:
        self.frames += 1
        buffer = self._free.pop() if self._free else np.empty(self._format.bytes, np.uint8)
        planes = self._format.split(buffer)
        for copy, plane in zip(planes, frame.planes, strict=True):
            np.copyto(copy, plane)
        frame.release()
        return replace(frame, planes=planes, release=partial(self._free.append, buffer))
