"""The decoding stage: packets of video to frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial

import av
import av.error

from pipeline.flow.stage import Stage
from pipeline.frame import Frame, FrameFormat
from pipeline.media.decoding import nvdec
from pipeline.media.decoding.bitstream import has_zeroed_gap, is_shown
from pipeline.media.decoding.contexts import DecodingContexts
from pipeline.media.decoding.format_changes import FormatChanges
from pipeline.media.decoding.frame_hold import FrameHold
from pipeline.media.decoding.ledger import LedgerEntry, PacketLedger
from pipeline.media.decoding.missing_frames import GapDetector
from pipeline.media.decoding.nvdec_frames import NvdecFrames
from pipeline.media.decoding.parallel_contexts import ParallelDecoding
from pipeline.media.decoding.swscale import extract_planes
from pipeline.media.reading.crop import Crop, read_crop
from pipeline.media.reading.input_container import CODING_ORDER_DEMUXERS
from pipeline.media.reading.side_data import read_captions
from pipeline.media.reading.source import Packet, Source
from pipeline.system.cuda import Gpu


class Decoder(Stage[Packet, "Frame | Packet"]):
    """Decodes the video of a source into frames of one format; packets of other streams pass.

    Frames of NVDEC stay in GPU memory. Frames are cropped as their container requests. Those of another size or pixel
    format are converted by swscale. Timestamps are those of the packets; where a packet has none, they follow from the
    frame rate.

    At the first sign of damage, decoding restarts at a key frame in conservative mode: in software and without
    threads, in which FFmpeg yields every frame that it can decode and conceals the rest. Faults are counted in
    `source.damage`.

    Args:
        source: Its packets are fed to this stage.
        format: The format of all frames.
        parallel: How to decode in parallel, which yields the same frames; None for one codec context.
        gpu: The GPU whose NVDEC decodes; None for software.

    Attributes:
        packets: Packets of the video so far.
        frames: Frames so far.
        gap_frames: Frames that fell into gaps of the stream, without a packet.
        untimed_frames: Frames whose packets have no timestamp.
        changes: Changes of the source's format in mid-stream.
    """

    def __init__(
        self, source: Source, format: FrameFormat, parallel: ParallelDecoding | None = None, gpu: Gpu | None = None
    ) -> None:
        self._source = source
        self._format = format
        self._crop = read_crop(source.video, format.pixel)
        self._nvdec_frames = NvdecFrames(gpu)
        in_coding_order = source.container.format.name in CODING_ORDER_DEMUXERS
        self._contexts = DecodingContexts(source, None if in_coding_order else parallel)
        self._gaps = GapDetector(1 / source.rate, everywhere=source.is_open_ended)
        self._next_pts = source.first_pts
        self._frame_duration = max(1, round(1 / (source.rate * (source.video.time_base or 1))))
        self._ledger = PacketLedger(self._frame_duration, in_coding_order)
        self._hold = FrameHold(self._ledger)
        self._held: deque[tuple[int, Packet]] = deque()  # of other streams, with the video's packets before them
        self._read_errors = self.packets = self.frames = self.gap_frames = self.untimed_frames = 0
        self.changes = FormatChanges()

    @property
    def end(self) -> int:
        """The end of the last frame so far, in the stream's time base."""
        return self._next_pts

    def feed(self, packet: Packet) -> Iterator[Frame | Packet]:
        if packet.stream_index != self._source.video.index:
            self._held.append((self.packets, packet))
            yield from self._release_held()
            return
        torn = _is_torn(packet, self._source, self._contexts.codec)
        damaged = torn or packet.is_corrupt or self._source.damage.read_errors > self._read_errors
        self._read_errors = self._source.damage.read_errors
        is_suspect = damaged or not (self.packets or packet.is_keyframe)
        self.packets += 1
        missing = self._gaps.missing_before(packet, damaged)
        self.gap_frames += missing
        self._source.damage.add(lost_frames=missing)
        entry = self._ledger.enter(packet, torn, is_shown(packet, self._contexts.codec), self._contexts.in_use)
        if is_suspect and (packets := self._restart()):
            yield from self._decode_all(packets)
        else:
            yield from self._decode(packet, entry)

    def finish(self) -> Iterator[Frame | Packet]:
        yield from self._decode(None)
        self._ledger.drop_finished()
        is_doubtful = self._ledger.outstanding or self._source.is_open_ended
        if is_doubtful and (packets := self._restart()):
            yield from self._decode_all([*packets, None])
        yield from (packet for _, packet in self._held)
        if self._contexts.is_conservative:
            self._source.damage.add(lost_frames=self._ledger.outstanding)

    def abort(self) -> None:
        self._contexts.abort()

    def close(self) -> None:
        self._contexts.close()

    def _decode_all(self, packets: Sequence[Packet | None]) -> Iterator[Frame | Packet]:
        for packet in packets:
            yield from self._decode(packet)

    def _decode(self, packet: Packet | None, entry: LedgerEntry | None = None) -> Iterator[Frame | Packet]:
        """Decode `packet`; None flushes the decoder."""
        batches = self._contexts.decode(packet, entry)
        while True:
            try:
                frames = next(batches, None)
                failed = any(_is_unusable(frame, self._format) for frame in frames or ())
            except av.error.FFmpegError:  # the frame stays outstanding in the ledger
                frames, failed = [], True
                if packet and self._contexts.is_conservative and packet.pts is not None:
                    self._ledger.mark_failed(packet.pts)
            if failed and (packets := self._restart()):
                yield from self._decode_all(packets if packet else [*packets, None])
                return
            self._nvdec_frames.mark_decoded(frames or ())
            for frame in frames or ():
                self._hold.add(frame)
            is_end = frames is None and packet is None
            for frame in self._hold.release(everything=is_end or self._contexts.is_conservative):
                entry = self._ledger.match(frame, self._contexts.reorders)
                self._count_damage(frame, entry)
                if not entry.yielded_before_restart:
                    self.frames += 1
                    yield self._make_frame(frame, entry)
            yield from self._release_held()
            if frames is None:
                return

    def _release_held(self) -> Iterator[Packet]:
        """The packets of other streams that are not ahead of the frames."""
        while self._held and not self._contexts.is_ahead(self._held[0][0] - 1):
            yield self._held.popleft()[1]

    def _restart(self) -> list[Packet]:
        """Restart in conservative mode.

        Returns:
            The packets to decode again; none if it can't restart, or has restarted before.
        """
        if self._contexts.is_conservative:
            return []
        self._hold.discard()
        packets = self._ledger.restart()
        return packets if self._contexts.restart(bool(packets), self._ledger.extradata) else []

    def _count_damage(self, frame: av.VideoFrame, entry: LedgerEntry) -> None:
        """Count a damaged frame once, also if it was yielded before the restart and shows its damage only now."""
        if (frame.is_corrupt or entry.torn) and not entry.counted:
            entry.counted = True
            self._source.damage.add(damaged_frames=1)

    def _make_frame(self, frame: av.VideoFrame, entry: LedgerEntry) -> Frame:
        self.untimed_frames += entry.pts is None
        pts = self._next_pts if entry.pts is None else entry.pts
        duration = (0 if entry.pts is None else entry.duration or frame.duration) or self._frame_duration
        self._next_pts = pts + duration
        is_on_gpu = frame.format.name == nvdec.FORMAT
        pixel_format = None if is_on_gpu else frame.format.name
        self.changes.check(frame, self.frames - 1, pixel_format, self._contexts.sample_aspect)
        make = self._nvdec_frames.make if is_on_gpu else partial(_make_host_frame, crop=self._crop)
        made = make(frame, self._format, pts, duration)
        made.captions = read_captions(frame, self._contexts.codec)
        return made


def _make_host_frame(frame: av.VideoFrame, format: FrameFormat, pts: int, duration: int, crop: Crop | None) -> Frame:
    planes = extract_planes(frame, format, crop)
    return Frame(format, planes, pts, duration, interlaced=frame.interlaced_frame)


def _is_unusable(frame: av.VideoFrame, format: FrameFormat) -> bool:
    """Return True if `frame` is damaged, or of another size in GPU memory, where swscale can't convert it."""
    has_size = (frame.width, frame.height) == (format.width, format.height)
    return frame.is_corrupt or (frame.format.name == nvdec.FORMAT and not has_size)


def _is_torn(packet: Packet, source: Source, codec: str) -> bool:
    """Return True if `packet` is incomplete. In transport streams, a splice is marked as corrupt too."""
    is_marked = packet.is_corrupt and not source.is_open_ended
    return is_marked or has_zeroed_gap(packet, codec)


def decode_frames(source: Source, format: FrameFormat) -> Iterator[Frame]:
    """The frames of a source's video, decoded in the calling thread; packets of other streams are dropped.

    Args:
        source: Open, and not iterated yet.
        format: The format of all frames.
    """
    decoder = Decoder(source, format)
    for packet in source:
        yield from (item for item in decoder.feed(packet) if isinstance(item, Frame))
    yield from (item for item in decoder.finish() if isinstance(item, Frame))
