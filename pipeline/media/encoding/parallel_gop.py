"""Several encoders at once: each takes a closed GOP, and the packets of all are one stream.

    frames ─▶ memory of their own ─▶ fan ─▶ encoder of GOP n, n+1, ... ─▶ decoding times ─▶ packets

A closed GOP begins with a key frame and refers to nothing outside, so that encoders need not know each other. What they
would disagree on are decoding times: each counts from its own first frame. They are given anew over the whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

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
from pipeline.media.encoding.dts import DecodingTimes, NoteTimes, Retime
from pipeline.media.encoding.encoder import Encoder, VideoEncoding, configure, zero_latency

T = TypeVar("T")

# Measured on film with x264 veryfast and medium: three frames of lead-in bring the first key frame within 8 % of its
# size in mid-stream, and the whole within 0.1 dB of one encoder; without both it is 0.3 to 0.6 dB and 5 to 10 % less.
_LEAD, MIRRORED = 3, 16
_PATIENCE = 4  # GOPs of frames to look ahead at, at most


class ParallelEncoder(Chain[Any, Any]):
    """Frames → packets by `encoding.encoders` encoders, in order, as one stream like that of `context`.

    context: the open encoder that the container's header was written from; it encodes nothing itself.
    """

    def __init__(
        self, path: Path, context: VideoCodecContext, encoding: VideoEncoding, time_base: Fraction, shift: int
    ) -> None:
        self._path = path
        times = DecodingTimes()
        self._intake = _Intake(encoding.format)
        make = partial(GopEncoder, path, context, encoding, time_base, shift)
        self._parallel: ParallelStage[Frame, av.Packet[Any], av.Packet[Any]] = ParallelStage(
            make, Frame, encoding.encoders, encoding.gop, encoding.waiting
        )
        self._retime = Retime(times)
        super().__init__(NoteTimes(times, shift), self._intake, self._parallel, self._retime)

    @property
    def frames(self) -> int:
        """How many have been taken."""
        return self._intake.frames

    @property
    def started(self) -> int:
        """How many have come to an encoder."""
        return self.frames - self._parallel.waiting

    @property
    def packets(self) -> int:
        """How many have been given."""
        return self._retime.packets

    def finish(self) -> Iterator[Any]:
        yield from super().finish()
        if self.packets != self.frames:
            counts = f"{self.frames} frames went into the encoders, {self.packets} came out"
            raise OutputError(f"{self._path}: {counts}: try --encoders 1, and please report it")


class GopEncoder(Encoder):
    """One closed GOP, by an encoder of its own, like the one that `header` is the open context of.

    An encoder that looks ahead gives the last frames before the unknown too little, and one that has just begun its
    first key frame. So it gets to see more than its GOP, and what it makes of that is dropped: before, the GOP's own
    first frames backwards; after, its last ones backwards, which measure as well as the frames that really follow.
    """

    def __init__(
        self, path: Path, header: VideoCodecContext, encoding: VideoEncoding, time_base: Fraction, shift: int
    ) -> None:
        context = av.CodecContext.create(encoding.codec, "w")
        assert isinstance(context, VideoCodecContext)
        configure(context, encoding)
        if header.flags & Flags.global_header:
            context.flags |= Flags.global_header
        with translate_write_errors(path):
            context.open()
        if context.extradata != header.extradata:
            raise OutputError(f"{path}: two {encoding.codec} encoders disagree on the stream's header: --encoders 1")
        super().__init__(path, context, time_base, shift)
        self._gop = encoding.gop
        self._lead = _LEAD if looks_ahead(encoding) else 0
        self._last: deque[tuple[int, av.VideoFrame]] = deque(maxlen=MIRRORED if self._lead else 1)
        self._start = self._end = 0
        self._made = 0

    def feed(self, item: Frame) -> Iterator[av.Packet[Any]]:
        self._last.append((item.pts, wrap_frame(item)))
        self.frames += 1
        if self.frames == self._lead + 1:
            yield from self._begin()
        elif self.frames > self._lead:
            yield from self._own(*self._last[-1])

    def finish(self) -> Iterator[av.Packet[Any]]:
        if 0 < self.frames <= self._lead:
            self._lead = 0
            yield from self._begin()
        if self._lead and self.frames == self._gop:
            yield from self._look_ahead()
        if self._made < self.frames:
            yield from self._mine(list(super().finish()))
        self._drained = True  # what x264 still holds of the mirrored frames goes with it, and does no harm

    def _begin(self) -> Iterator[av.Packet[Any]]:
        """Encode what has come so far, behind a lead-in of the same frames."""
        given = list(self._last)
        self._start, key = given[0]
        for pts, picture in given[self._lead : 0 : -1]:
            self._encode_at(2 * self._start - pts, picture)
        if self._lead:
            key.pict_type = PictureType.I
        for pts, picture in given:
            yield from self._own(pts, picture)

    def _look_ahead(self) -> Iterator[av.Packet[Any]]:
        """Show what may come, the last frames to and fro, until the GOP's own packets are there."""
        backwards = [picture for _, picture in reversed(self._last)]
        step = self._last[-1][0] - self._last[-2][0]
        for count in range(1, _PATIENCE * self._gop):
            if self._made == self.frames:
                return
            picture = mirrored(backwards, count)
            # A key frame, or the GOP's last B-frames would refer to what is dropped.
            picture.pict_type = PictureType.I if count == 1 else PictureType.NONE
            yield from self._mine(self._encode_at(self._last[-1][0] + count * step, picture))

    def _own(self, pts: int, picture: av.VideoFrame) -> Iterator[av.Packet[Any]]:
        self._end = pts
        yield from self._mine(self._encode_at(pts, picture))

    def _mine(self, packets: list[av.Packet[Any]]) -> Iterator[av.Packet[Any]]:
        """Those of `packets` that are of the GOP itself."""
        for packet in packets:
            if packet.pts is not None and self._start <= packet.pts - self._shift <= self._end:
                self._made += 1
                yield packet


def mirrored(pictures: Sequence[T], index: int) -> T:
    """Picture `index` of an endless walk through `pictures` and back, which moves as smoothly as they do."""
    at = index % max(1, 2 * len(pictures) - 2)
    return pictures[at if at < len(pictures) else 2 * len(pictures) - 2 - at]


def looks_ahead(encoding: VideoEncoding) -> bool:
    """Whether the encoder spends bits by the frames that follow: x264 from preset veryfast on (macroblock tree)."""
    parallel = encoder_spec(encoding.codec).parallel
    if parallel is None or parallel.presets_without_lookahead is None or zero_latency(encoding):
        return False
    return encoding.options.get("preset") not in parallel.presets_without_lookahead and encoding.gop > MIRRORED


class _Intake(Stage[Any, Any]):
    """Moves frames into memory of their own, which is used again and again, so that slots need not wait for encoders.

    frames: how many came. They wait in the fan, which bounds them.
    """

    def __init__(self, format: FrameFormat) -> None:
        self._format = format
        self._rooms: list[Plane] = []
        self.frames = 0

    def feed(self, item: Any) -> Iterator[Any]:
        yield self._moved(item) if isinstance(item, Frame) else item

    def _moved(self, frame: Frame) -> Frame:
        self.frames += 1
        room = self._rooms.pop() if self._rooms else np.empty(self._format.bytes, np.uint8)
        planes = self._format.split(room)
        for to, plane in zip(planes, frame.planes, strict=True):
            np.copyto(to, plane)
        frame.release()
        return replace(frame, planes=planes, release=partial(self._rooms.append, room))
