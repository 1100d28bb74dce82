"""Stage 1: packets of video → frames. Packets of other streams pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream

from pipeline.colour.tags import FULL_RANGE_TAG, LIMITED_RANGE_TAG
from pipeline.errors import InputError
from pipeline.flow.stage import Stage
from pipeline.frame import Frame, FrameFormat, Plane, plain_name
from pipeline.media import nvdec
from pipeline.media.borders import reading


class Decoder(Stage[Any, Any]):
    """Decodes one video stream, into frames of one format, which NVDEC leaves in GPU memory.

    A decoder's own format that no kernel knows, and a size that changes in mid-stream, are brought to `format` by
    swscale (NVDEC's frames can't be: InputError). Times are those of the stream; where one is missing or does not
    advance, it becomes the next one possible.

    packets, frames: how many came and left. repaired, damaged: how many frames had their time, or their picture, wrong.
    """

    def __init__(self, path: Path, stream: VideoStream, format: FrameFormat) -> None:
        self._path = path
        self._stream = stream
        self._format = format
        self._next_pts = stream.start_time or 0
        self._last_pts: int | None = None
        self.packets = self.frames = self.repaired = self.damaged = 0
        if stream.codec_context.is_hwaccel:
            stream.codec_context.options = {"extra_hw_frames": str(nvdec.SPARE_SURFACES)}
        else:
            stream.codec_context.thread_type = "AUTO"

    @property
    def end(self) -> int:
        """When the last frame so far ends, in the stream's time base."""
        return self._next_pts

    def feed(self, packet: av.Packet[Any]) -> Iterator[Any]:
        if packet.stream_index != self._stream.index:
            yield packet
            return
        self.packets += 1
        yield from self._decode(packet)

    def finish(self) -> Iterator[Any]:
        yield from self._decode(None)

    def _decode(self, packet: av.Packet[Any] | None) -> Iterator[Frame]:
        with reading(self._path, f"after frame {self.frames}"):
            decoded = self._stream.codec_context.decode(packet)
        for picture in decoded:
            self.frames += 1
            self.damaged += picture.is_corrupt
            yield self._frame(picture)

    def _frame(self, picture: av.VideoFrame) -> Frame:
        pts = self._pts(picture)
        duration = picture.duration or self._frame_duration()
        self._last_pts, self._next_pts = pts, pts + duration
        if picture.format.name == nvdec.FORMAT:
            self._check_size(picture)
            kept = [picture]  # whose surface NVDEC may use again when it is let go
            return Frame(self._format, (), pts, duration, kept.clear, nvdec.planes(picture))
        return Frame(self._format, _planes(self._in_format(picture), self._format), pts, duration)

    def _check_size(self, picture: av.VideoFrame) -> None:
        if (picture.width, picture.height) != (self._format.width, self._format.height):
            size = f"{picture.width}x{picture.height}"
            raise InputError(f"{self._path}: becomes {size} at frame {self.frames}: --decoder software can follow")

    def _pts(self, picture: av.VideoFrame) -> int:
        """The picture's own time; a raw stream has none but its rate, and a broken clock stands still or turns back."""
        if picture.pts is None:
            return self._next_pts
        if self._last_pts is None or picture.pts > self._last_pts:
            return picture.pts
        self.repaired += 1
        return self._last_pts + 1

    def _in_format(self, picture: av.VideoFrame) -> av.VideoFrame:
        format, name = self._format, picture.format.name
        if (picture.width, picture.height) == (format.width, format.height) and plain_name(name) == format.pixel.name:
            return picture
        tags = {"dst_colorspace": format.colour.matrix, "dst_color_range": _range_tag(format.colour.full_range)}
        # Of YUV only the layout or the size changes; not told so, swscale would take untagged video for BT.601.
        if not picture.format.is_rgb:
            tags |= {"src_colorspace": tags["dst_colorspace"], "src_color_range": tags["dst_color_range"]}
        return picture.reformat(format.width, format.height, format.pixel.name, **tags)

    def _frame_duration(self) -> int:
        rate, time_base = self._stream.guessed_rate, self._stream.time_base
        return round(1 / (rate * time_base)) if rate and time_base else 1


def _range_tag(full_range: bool) -> int:
    return FULL_RANGE_TAG if full_range else LIMITED_RANGE_TAG


def _planes(picture: av.VideoFrame, format: FrameFormat) -> tuple[Plane, ...]:
    """The picture's planes as views of FFmpeg's memory, which they keep alive."""
    dtype = format.pixel.dtype
    planes = []
    for plane, (rows, columns) in zip(picture.planes, format.plane_shapes, strict=True):
        buffer: Any = plane  # whose stub does not say that it is one
        samples: Plane = np.frombuffer(buffer, dtype)
        planes.append(samples.reshape(-1, plane.line_size // dtype.itemsize)[:rows, :columns])
    return tuple(planes)
