"""The decoding stage: packets of video to frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av
import av.error
from av.video.codeccontext import VideoCodecContext

from pipeline.flow.stage import Stage
from pipeline.frame import Frame, FrameFormat
from pipeline.media.decoding import nvdec
from pipeline.media.decoding.bitstream import has_zeroed_gap, is_shown
from pipeline.media.decoding.format_changes import FormatChanges
from pipeline.media.decoding.ledger import LedgerEntry, PacketLedger
from pipeline.media.decoding.missing_frames import GapDetector
from pipeline.media.decoding.swscale import extract_planes
from pipeline.media.reading import alpha
from pipeline.media.reading.input_container import CODING_ORDER_DEMUXERS
from pipeline.media.reading.source import Packet, Source


class Decoder(Stage[Packet, "Frame | Packet"]):
    """Decodes the video of a source into frames of one format; packets of other streams pass.

    Frames of NVDEC stay in GPU memory. Frames of another size or pixel format are converted by swscale. Timestamps are
    those of the packets; where a packet has none, they follow from the frame rate.

    At the first sign of damage, decoding restarts at a key frame in conservative mode: in software and without
    threads, in which FFmpeg yields every frame that it can decode and conceals the rest. Faults are counted in
    `source.damage`.

    Args:
        source: Its packets are fed to this stage.
        format: The format of all frames.

    Attributes:
        packets: Packets of the video so far.
        frames: Frames so far.
        gap_frames: Frames that fell into gaps of the stream, without a packet.
        untimed_frames: Frames whose packets have no timestamp.
        changes: Changes of the source's format in mid-stream.
    """

    def __init__(self, source: Source, format: FrameFormat) -> None:
        self._source = source
        self._format = format
        self._context = alpha.choose_alpha_decoder(source.video)
        self._codec = self._context.codec.canonical_name
        self._gaps = GapDetector(1 / source.rate, everywhere=source.is_open_ended)
        self._next_pts = source.first_pts
        assert source.video.time_base is not None
        self._frame_duration = max(1, round(1 / (source.rate * source.video.time_base)))
        in_coding_order = source.container.format.name in CODING_ORDER_DEMUXERS
        self._ledger = PacketLedger(self._frame_duration, in_coding_order)
        self._is_conservative = bool(source.damage.truncation) and not self._context.is_hwaccel
        self._read_errors = 0
        self.packets = self.frames = self.gap_frames = self.untimed_frames = 0
        self.changes = FormatChanges()
        if self._context.is_hwaccel:
            self._context.options = {"extra_hw_frames": str(nvdec.SPARE_SURFACES)}
        else:
            _set_threading(self._context, self._is_conservative)

    @property
    def end(self) -> int:
        """The end of the last frame so far, in the stream's time base."""
        return self._next_pts

    def feed(self, packet: Packet) -> Iterator[Frame | Packet]:
        if packet.stream_index != self._source.video.index:
            yield packet
            return
        torn = self._is_torn(packet)
        damaged = torn or packet.is_corrupt or self._source.damage.read_errors > self._read_errors
        self._read_errors = self._source.damage.read_errors
        is_suspect = damaged or not (self.packets or packet.is_keyframe)
        self.packets += 1
        missing = self._gaps.missing_before(packet, damaged)
        self.gap_frames += missing
        self._source.damage.add(lost_frames=missing)
        self._ledger.enter(packet, torn, is_shown(packet, self._codec))
        yield from self._decode_all((is_suspect and self._restart()) or [packet])

    def finish(self) -> Iterator[Frame]:
        yield from self._decode(None)
        is_doubtful = self._ledger.outstanding or self._source.is_open_ended
        if is_doubtful and (packets := self._restart()):
            yield from self._decode_all([*packets, None])
        if self._is_conservative:
            self._source.damage.add(lost_frames=self._ledger.outstanding)

    def _decode_all(self, packets: Sequence[Packet | None]) -> Iterator[Frame]:
        for packet in packets:
            yield from self._decode(packet)

    def _decode(self, packet: Packet | None) -> Iterator[Frame]:
        """Decode `packet`; None flushes the decoder."""
        try:
            frames = self._context.decode(packet)
            failed = any(self._is_unusable(frame) for frame in frames)
        except av.error.FFmpegError:  # the frame stays outstanding in the ledger
            frames, failed = [], True
            if packet and self._is_conservative and packet.pts is not None:
                self._ledger.mark_failed(packet.pts)
        if failed and (packets := self._restart()):
            yield from self._decode_all(packets if packet else [*packets, None])
            return
        for frame in frames:
            entry = self._ledger.match(frame, bool(self._context.has_b_frames))
            self._count_damage(frame, entry)
            if not entry.yielded_before_restart:
                self.frames += 1
                yield self._make_frame(frame, entry)

    def _restart(self) -> list[Packet]:
        """Restart in conservative mode.

        Returns:
            The packets to decode again; none if it can't restart, or has restarted before.
        """
        if self._is_conservative:
            return []
        self._is_conservative = True
        packets = self._ledger.restart()
        stream = self._source.rewind() if packets else None
        if stream is None:
            return []
        self._context = alpha.choose_alpha_decoder(stream)
        _set_threading(self._context, conservative=True)
        return packets

    def _count_damage(self, frame: av.VideoFrame, entry: LedgerEntry) -> None:
        """Count a damaged frame once, also if it was yielded before the restart and shows its damage only now."""
        if (frame.is_corrupt or entry.torn) and not entry.counted:
            entry.counted = True
            self._source.damage.add(damaged_frames=1)

    def _is_unusable(self, frame: av.VideoFrame) -> bool:
        """Return True if `frame` is damaged, or of another size in GPU memory, where swscale can't convert it."""
        has_size = (frame.width, frame.height) == (self._format.width, self._format.height)
        return frame.is_corrupt or (frame.format.name == nvdec.FORMAT and not has_size)

    def _is_torn(self, packet: Packet) -> bool:
        """Return True if `packet` is incomplete. In transport streams, a splice is marked as corrupt too."""
        is_marked = packet.is_corrupt and not self._source.is_open_ended
        return is_marked or has_zeroed_gap(packet, self._codec)

    def _make_frame(self, frame: av.VideoFrame, entry: LedgerEntry) -> Frame:
        self.untimed_frames += entry.pts is None
        pts = self._next_pts if entry.pts is None else entry.pts
        duration = self._frame_duration if entry.pts is None else entry.duration or frame.duration
        duration = duration or self._frame_duration
        self._next_pts = pts + duration
        is_on_gpu = frame.format.name == nvdec.FORMAT
        self.changes.check(frame, self.frames - 1, None if is_on_gpu else frame.format.name)
        if is_on_gpu:
            owner = [frame]  # NVDEC may reuse the surface once the list is cleared
            return Frame(self._format, (), pts, duration, owner.clear, nvdec.device_planes(frame))
        planes = extract_planes(frame, self._format)
        return Frame(self._format, planes, pts, duration, interlaced=frame.interlaced_frame)


def decode_frames(source: Source, format: FrameFormat) -> Iterator[Frame]:
    """The frames of a source's video, decoded in the calling thread; packets of other streams are dropped.

    Args:
        source: Open, and not iterated yet.
        format: The format of all frames.
    """
    decoder = Decoder(source, format)
    for packet in source:
        yield from (item for item in decoder.feed(packet) if isinstance(item, Frame))
    yield from decoder.finish()


def _set_threading(context: VideoCodecContext, conservative: bool) -> None:
    """Decode with as many threads as FFmpeg likes, or with one: its concealment of damage needs that."""
    context.thread_type = "NONE" if conservative else "AUTO"
    if conservative:
        context.thread_count = 1
