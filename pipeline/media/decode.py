"""Stage 1: packets of video → frames. Packets of other streams pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream

from pipeline.flow.stage import Stage
from pipeline.frame import Frame, FrameFormat, Plane
from pipeline.media.borders import reading


class Decoder(Stage[Any, Any]):
    """Decodes one video stream in software, into frames of one format.

    A decoder's own format that no kernel knows, and a size that changes in mid-stream, are brought to `format` by
    swscale. frames: how many have left.
    """

    def __init__(self, path: Path, stream: VideoStream, format: FrameFormat) -> None:
        self._path = path
        self._stream = stream
        self._format = format
        self._next_pts = stream.start_time or 0
        self.frames = 0
        stream.codec_context.thread_type = "AUTO"

    def feed(self, packet: av.Packet[Any]) -> Iterator[Any]:
        if packet.stream_index != self._stream.index:
            yield packet
            return
        yield from self._decode(packet)

    def finish(self) -> Iterator[Any]:
        yield from self._decode(None)

    def _decode(self, packet: av.Packet[Any] | None) -> Iterator[Frame]:
        with reading(self._path):
            decoded = self._stream.codec_context.decode(packet)
        for picture in decoded:
            self.frames += 1
            yield self._frame(picture)

    def _frame(self, picture: av.VideoFrame) -> Frame:
        format = self._format
        if (picture.width, picture.height, picture.format.name) != (format.width, format.height, format.pixel.name):
            picture = self._reformatted(picture)
        pts = self._next_pts if picture.pts is None else picture.pts  # a raw stream has no times but its rate
        duration = picture.duration or self._frame_duration()
        self._next_pts = pts + duration
        return Frame(format, _planes(picture, format), pts, duration)

    def _reformatted(self, picture: av.VideoFrame) -> av.VideoFrame:
        format = self._format
        if picture.format.name.replace("yuvj", "yuv") == format.pixel.name and picture.width == format.width:
            return picture
        pts, duration = picture.pts, picture.duration
        picture = picture.reformat(
            format.width,
            format.height,
            format.pixel.name,
            dst_colorspace=format.colour.matrix,
            dst_color_range=2 if format.colour.full_range else 1,
        )
        picture.pts, picture.duration = pts, duration
        return picture

    def _frame_duration(self) -> int:
        rate, time_base = self._stream.guessed_rate, self._stream.time_base
        return round(1 / (rate * time_base)) if rate and time_base else 1


def _planes(picture: av.VideoFrame, format: FrameFormat) -> tuple[Plane, ...]:
    """The picture's planes as views of FFmpeg's memory, which they keep alive."""
    dtype = format.pixel.dtype
    planes = []
    for plane, (rows, columns) in zip(picture.planes, format.plane_shapes, strict=True):
        samples: Plane = np.frombuffer(plane, dtype)  # type: ignore[call-overload]
        planes.append(samples.reshape(-1, plane.line_size // dtype.itemsize)[:rows, :columns])
    return tuple(planes)
