"""Stage 1: packets of video → frames. Packets of other streams pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import av
import av.error
from av.video.codeccontext import VideoCodecContext

from pipeline.colour.h273 import MATRIX_NAMES
from pipeline.colour.tags import FULL_RANGE_TAG, LIMITED_RANGE_TAG
from pipeline.flow.stage import Stage
from pipeline.frame import UNSPECIFIED, Frame, FrameFormat, plain_name
from pipeline.media.decoding import nvdec
from pipeline.media.decoding.bitstream import has_zeroed_gap, is_shown
from pipeline.media.decoding.ledger import LedgerEntry, PacketLedger
from pipeline.media.decoding.missing_frames import GapDetector
from pipeline.media.decoding.swscale import extract_planes
from pipeline.media.reading import alpha
from pipeline.media.reading.input_container import CODING_ORDER_DEMUXERS
from pipeline.media.reading.source import Source


class Decoder(Stage[Any, Any]):
    """Decodes the video of `source` into frames of one format, which NVDEC leaves in GPU memory.

    A decoder's own format that no kernel knows, and a size that changes in mid-stream, are brought to `format` by
    swscale. Times are those of the packets; where they have none, they follow from the stream's rate.

    At the first sign of damage it goes back to a key frame and on with care: in software and without threads, which
    keeps each frame that can be decoded and conceals what is missing in it. What it finds goes into `source.damage`.

    packets, frames: how many came and left. holed: how many fell into holes of the stream. timeless: frames whose times
    follow from the rate. changes: what size, format and tags of colour became in mid-stream, a line each.
    """

    def __init__(self, source: Source, format: FrameFormat) -> None:
        self._source = source
        self._format = format
        self._context = alpha.choose_alpha_decoder(source.video)
        self._codec = self._context.codec.canonical_name
        self._holes = GapDetector(1 / source.rate, steady=source.is_open_ended)
        self._next_pts = source.first_pts
        self._shape = "", ""
        self._tags: tuple[str, ...] = "", ""
        assert source.video.time_base is not None
        self._frame_duration = max(1, round(1 / (source.rate * source.video.time_base)))
        self._ledger = PacketLedger(
            self._frame_duration, in_coding_order=source.container.format.name in CODING_ORDER_DEMUXERS
        )
        self._careful = bool(source.damage.truncation) and not self._context.is_hwaccel
        self.packets = self.frames = self.holed = self.timeless = self._unread = 0
        self.changes: list[str] = []
        if self._context.is_hwaccel:
            self._context.options = {"extra_hw_frames": str(nvdec.SPARE_SURFACES)}
        else:
            _share_out(self._context, self._careful)

    @property
    def end(self) -> int:
        """When the last frame so far ends, in the stream's time base."""
        return self._next_pts

    def feed(self, packet: av.Packet[Any]) -> Iterator[Any]:
        if packet.stream_index != self._source.video.index:
            yield packet
            return
        torn = self._is_torn(packet)
        damaged = torn or packet.is_corrupt or self._source.damage.read_errors > self._unread
        self._unread = self._source.damage.read_errors
        suspect = damaged or not (self.packets or packet.is_keyframe)
        self.packets += 1
        holed = self._holes.before(packet, damaged)
        self.holed += holed
        self._source.damage.add(lost_frames=holed)
        self._ledger.enter(packet, torn, is_shown(packet, self._codec))
        yield from self._decode_all((suspect and self._restart()) or [packet])

    def finish(self) -> Iterator[Any]:
        yield from self._decode(None)
        if (self._ledger.outstanding or self._source.is_open_ended) and (again := self._restart()):
            yield from self._decode_all([*again, None])
        if self._careful:
            self._source.damage.add(lost_frames=self._ledger.outstanding)

    def _decode_all(self, packets: Sequence[av.Packet[Any] | None]) -> Iterator[Frame]:
        for packet in packets:
            yield from self._decode(packet)

    def _decode(self, packet: av.Packet[Any] | None) -> Iterator[Frame]:
        """What follows from `packet`; None is the end."""
        try:
            pictures = self._context.decode(packet)
            sound = not any(self._is_wrong(picture) for picture in pictures)
        except av.error.FFmpegError:  # what it should have given stays outstanding in the ledger
            pictures, sound = [], False
            if packet and self._careful and packet.pts is not None:
                self._ledger.fail(packet.pts)
        if not sound and (again := self._restart()):
            yield from self._decode_all(again if packet else [*again, None])
            return
        for picture in pictures:
            entry = self._ledger.leave(picture, bool(self._context.has_b_frames))
            self._note_damage(picture, entry)
            if not entry.settled:
                self.frames += 1
                yield self._frame(picture, entry)

    def _restart(self) -> list[av.Packet[Any]]:
        """Begin again with care: the packets to go through, none if it can't be done, or has been done."""
        if self._careful:
            return []
        self._careful = True
        again = self._ledger.begin_again()
        fresh = self._source.rewind() if again else None
        if fresh is None:
            return []
        self._context = alpha.choose_alpha_decoder(fresh)
        _share_out(self._context, careful=True)
        return again

    def _note_damage(self, picture: av.VideoFrame, entry: LedgerEntry) -> None:
        """Count a damaged picture, once: of one that was given before, care may show it later."""
        if (picture.is_corrupt or entry.torn) and not entry.counted:
            entry.counted = True
            self._source.damage.add(damaged_frames=1)

    def _is_wrong(self, picture: av.VideoFrame) -> bool:
        """Whether `picture` is damaged, or lies on the GPU, where swscale can't fit it, and needs that."""
        return picture.is_corrupt or (picture.format.name == nvdec.FORMAT and not self._has_size(picture))

    def _has_size(self, picture: av.VideoFrame) -> bool:
        return (picture.width, picture.height) == (self._format.width, self._format.height)

    def _is_torn(self, packet: av.Packet[Any]) -> bool:
        """Whether `packet` is not all there. In a transport stream its mark also stands where two were joined."""
        return (packet.is_corrupt and not self._source.is_open_ended) or has_zeroed_gap(packet, self._codec)

    def _frame(self, picture: av.VideoFrame, entry: LedgerEntry) -> Frame:
        self.timeless += entry.pts is None
        pts = self._next_pts if entry.pts is None else entry.pts
        duration = self._frame_duration if entry.pts is None else entry.duration or picture.duration
        duration = duration or self._frame_duration
        self._next_pts = pts + duration
        self._watch(picture)
        if picture.format.name == nvdec.FORMAT:
            kept = [picture]  # whose surface NVDEC may use again when it is let go
            return Frame(self._format, (), pts, duration, kept.clear, nvdec.device_planes(picture))
        planes = extract_planes(picture, self._format)
        return Frame(self._format, planes, pts, duration, interlaced=picture.interlaced_frame)

    def _watch(self, picture: av.VideoFrame) -> None:
        """Note where the pictures become others."""
        on_gpu = picture.format.name == nvdec.FORMAT  # where the layout has another name
        shape = f"{picture.width}x{picture.height}", "" if on_gpu else plain_name(picture.format.name)
        size, layout = self._shape
        if size and (shape[0] != size or (shape[1] and layout and shape[1] != layout)):
            now, before = (" ".join(filter(None, each)) for each in (shape, (size, layout)))
            self.changes.append(f"the source becomes {now} at frame {self.frames - 1}; it was {before}")
        self._shape = shape
        tags = tuple(now or before for now, before in zip(_tags(picture), self._tags, strict=True))
        if any(before and now != before for now, before in zip(tags, self._tags, strict=True)):
            now, before = (", ".join(filter(None, each)) for each in (tags, self._tags))
            told = f"the source's tags of colour become {now} at frame {self.frames - 1}; they were {before}"
            self.changes.append(f"{told}, and all frames are read as the first is")
        self._tags = tags


def _tags(picture: av.VideoFrame) -> tuple[str, str]:
    """The matrix and the range that a picture is tagged with, "" for what is not said."""
    matrix = int(picture.colorspace)
    levels = {FULL_RANGE_TAG: "full range", LIMITED_RANGE_TAG: "limited range"}.get(int(picture.color_range), "")
    return "" if matrix == UNSPECIFIED else MATRIX_NAMES.get(matrix, str(matrix)), levels


def _share_out(context: VideoCodecContext, careful: bool) -> None:
    """Set how a decoder works in parallel: not at all where damage is to be concealed, which FFmpeg leaves out then."""
    context.thread_type = "NONE" if careful else "AUTO"
    if careful:
        context.thread_count = 1
