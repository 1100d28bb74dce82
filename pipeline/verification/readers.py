"""Readers of source and output, frame by frame: the source as a job reads it, the output by PyAV alone.

None of the project's decoding is between the output's file and the verdict, so that no fault of it can hide in both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.error
import numpy as np
from av.container import InputContainer

from pipeline.errors import InputError
from pipeline.flow.stage import Chain
from pipeline.frame import Frame
from pipeline.media.av_errors import translate_read_errors
from pipeline.media.decoding.frame_reader import FrameReader
from pipeline.media.decoding.interlace.bwdif import MAX_GAP_FRAMES, Deinterlacing
from pipeline.media.decoding.preprocess import preprocess
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.decoding.trim import Excerpt
from pipeline.media.encoding.codecs import codec_spec
from pipeline.media.reading import alpha
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.image_source import ImageSource
from pipeline.media.reading.input_container import demux, flush_decoder, open_input
from pipeline.media.reading.media_info import MediaInfo, VideoInfo
from pipeline.media.reading.source import Packet
from pipeline.verification.captions_check import CaptionDigests
from pipeline.verification.frame_signature import (
    Grid,
    Signature,
    compute_av_signature,
    compute_signature,
    rotate_signature,
)
from pipeline.verification.packet_digest import PacketDigests


class TimedSignature(NamedTuple):
    """A frame as it is compared.

    Attributes:
        time: Presentation time in seconds, nan if unknown.
        duration: Duration in seconds.
        signature: Of the frame as players display it.
    """

    time: float
    duration: float
    signature: Signature


class SourceRange(NamedTuple):
    """The part of a source that was upscaled, as in the settings; all None for the complete source.

    Attributes:
        start: Seconds after the first frame, None for the beginning.
        end: Seconds after the first frame, None for the end.
        frames: Most frames of the part, None for no limit.
    """

    start: Fraction | None = None
    end: Fraction | None = None
    frames: int | None = None


class VideoReader(ABC):
    """Reads a file once, from beginning to end: either `frames` or `times`.

    Attributes:
        media: The file.
        others: The packets of its other streams, by stream index, as far as it was read.
        captions: The closed captions of its frames, as far as they were decoded.
        damage: A line for each part that could not be read.
        is_timeless: Frames have an order, and no meaningful timestamps.
    """

    is_timeless = False

    def __init__(self, media: MediaInfo) -> None:
        self.media = media
        self.others: dict[int, PacketDigests] = {}
        self.captions = CaptionDigests()
        self.damage: list[str] = []

    def frames(self) -> Generator[TimedSignature, None, None]:
        """Decode the video and yield its frames. A read error ends them, and is added to `damage`."""
        try:
            yield from self._frames()
        except InputError as error:
            self.damage.append(str(error))

    def times(self) -> Generator[float, None, None]:
        """Yield the presentation times of its frames in seconds, nan if unknown, in file order; nothing is decoded."""
        try:
            yield from self._times()
        except InputError as error:
            self.damage.append(str(error))

    @abstractmethod
    def _frames(self) -> Iterator[TimedSignature]: ...

    @abstractmethod
    def _times(self) -> Iterator[float]: ...

    def _time(self, packet: Packet, video: int) -> Iterator[float]:
        """Yield the presentation time of a packet of the stream `video`; record packets of other streams."""
        if packet.stream_index != video:
            if packet.size:
                self._record(packet)
        elif packet.size and not packet.is_discard:
            yield float("nan") if packet.pts is None else float(packet.pts * (packet.time_base or 0))

    def _record(self, packet: Packet) -> None:
        if packet.stream_index not in self.others:
            self.others[packet.stream_index] = PacketDigests(packet.stream)
        self.others[packet.stream_index].add(packet)


class SourceVideoReader(VideoReader):
    """Reads a source: timestamps are repaired, frames chosen and deinterlaced, as in a job."""

    def __init__(
        self, media: MediaInfo, part: SourceRange, alpha: bool = False, deinterlacing: Deinterlacing | None = None
    ) -> None:
        """Read `media`.

        Args:
            media: The source.
            part: The part that was upscaled.
            alpha: Compare transparency too.
            deinterlacing: How it was deinterlaced, None if it was not.
        """
        super().__init__(media)
        self._alpha = alpha
        self._deinterlacing = deinterlacing
        self._video = deinterlacing.apply_to(media.video) if deinterlacing else media.video
        self._part = part
        self._orientation = display_orientation(media.video)
        self._grid = Grid.of_size(media.video.format.width, media.video.format.height)

    def _frames(self) -> Iterator[TimedSignature]:
        video = self.media.video
        others = self._other_streams()
        excerpt = Excerpt.from_times(video.start_time, video.rate, *self._part)
        with self._open(others, excerpt) as source:
            reader = FrameReader(source, video.format, excerpt, others)
            preprocessing = preprocess(video.format, video.frame_duration, self._deinterlacing, rotation=None)
            with closing(Chain[Any, Any](reader, *preprocessing)) as stages:
                for packet in source:
                    yield from self._signatures(stages.feed(packet))
                yield from self._signatures(stages.finish())
            reader.check_missing_frames()
            self.damage += source.damage.summary()

    def _signatures(self, items: Iterable[Frame | Packet]) -> Iterator[TimedSignature]:
        """Yield the signatures of frames; record packets of other streams."""
        for item in items:
            if isinstance(item, Frame):
                yield self._signature(item)
            else:
                self._record(item)

    def _times(self) -> Iterator[float]:
        with self._open(self._other_streams(), None) as source:
            times = (time for packet in source for time in self._time(packet, source.video.index))
            yield from self._field_times(times) if self._deinterlacing and self._deinterlacing.doubled else times
            self.damage += source.damage.summary()

    def _field_times(self, times: Iterable[float]) -> Iterator[float]:
        """Yield `times`, sorted, and the time midway after each, as the deinterlacer does."""
        duration = float(self.media.video.frame_duration * self.media.video.time_base)
        frames = np.sort(list(times))
        gaps = np.diff(frames, append=frames[-1:] + duration)
        for time, gap in zip(frames, gaps, strict=True):
            yield from (time, time + (gap if gap <= MAX_GAP_FRAMES * duration else duration) / 2)

    def _other_streams(self) -> frozenset[int]:
        return frozenset(stream.index for stream in self.media.others if stream.kind != "attachment")

    def _open(self, others: frozenset[int], excerpt: Excerpt | None) -> FileSource | ImageSource:
        media = self.media
        if media.images:
            return ImageSource(media.images, media.video.rate)
        video, start = media.video, excerpt.start if excerpt else None
        options = ReadOptions(others, video_index=video.index, start=start, first_pts=video.start)
        return FileSource(media.path, options)

    def _signature(self, frame: Frame) -> TimedSignature:
        time_base = self._video.time_base
        coded = compute_signature(frame.planes, frame.format, self._grid, self._alpha)
        signature = rotate_signature(coded, self._orientation)
        time = float(frame.pts * time_base)
        self.captions.add(time, frame.captions)
        return TimedSignature(time, float(frame.duration * time_base), signature)


def display_orientation(video: VideoInfo) -> Orientation:
    """Return how players rotate a video; those tagged with an odd angle are compared without rotation."""
    return Orientation.from_matrix(video.display_matrix) or Orientation()


class OutputVideoReader(VideoReader):
    """Reads an output as any player does."""

    def __init__(self, media: MediaInfo, source: MediaInfo) -> None:
        """Read `media`, which was upscaled from `source`."""
        super().__init__(media)
        self._orientation = display_orientation(media.video)
        self._alpha = source.video.alpha and media.video.alpha
        self._has_captions = carries_captions(media.video.codec)
        small, large = source.video.format, media.video.format
        displayed = Grid.of_size(small.width, small.height).rotated(display_orientation(source.video))
        self._grid = displayed.rotated(self._orientation.inverse).enlarged(large.width, large.height)

    def _frames(self) -> Iterator[TimedSignature]:
        with self._demux() as (container, packets), ExitStack() as stack:
            video: Any = container.streams[self.media.video.index]
            decoder = alpha.choose_alpha_decoder(video)
            decoder.thread_type = "AUTO"
            stack.callback(flush_decoder, decoder)
            for packet in packets:
                if packet.stream.index == video.index:
                    for frame in decoder.decode(packet):
                        yield self._signature(frame)
                elif packet.size:
                    self._record(packet)

    def _times(self) -> Iterator[float]:
        with self._demux() as (_, packets):
            for packet in packets:
                yield from self._time(packet, self.media.video.index)

    @contextmanager
    def _demux(self) -> Iterator[tuple[InputContainer, Iterator[Packet]]]:
        """Open the file for the time of a `with`: its container and packets."""
        path = self.media.path
        with (
            open_input(path) as container,
            translate_read_errors(path, "in its middle"),
            demux(container) as packets,
        ):
            yield container, packets

    def _signature(self, frame: Any) -> TimedSignature:
        time = float("nan") if frame.pts is None else float(frame.pts * frame.time_base)
        duration = float((frame.duration or 0) * frame.time_base)
        if self._has_captions:
            self.captions.add(time, bytes(frame.side_data.get("A53_CC") or b""))
        coded = compute_av_signature(frame, self.media.video.format.colour, self._grid, self._alpha)
        return TimedSignature(time, duration, rotate_signature(coded, self._orientation))


class ImageOutputReader(OutputVideoReader):
    """Reads an output of images: a single file, or a numbered sequence."""

    is_timeless = True

    def _frames(self) -> Iterator[TimedSignature]:
        assert self.media.images is not None
        with ImageSource(self.media.images) as source:
            for file, packet in zip(self.media.images.files.values(), source, strict=True):
                for frame in self._decode(file, packet):
                    yield self._signature(frame)

    def _times(self) -> Iterator[float]:
        assert self.media.images is not None
        for _ in self.media.images.files:
            yield float("nan")

    def _decode(self, file: Path, packet: Packet) -> Iterator[Any]:
        """Yield the image in `packet`; nothing, and a line in `damage`, if it can't be compared."""
        try:
            frames: list[Any] = list(packet.decode())
        except av.error.FFmpegError as error:
            self.damage.append(f"{file}: can't be decoded ({error.strerror})")
            return
        expected = (self.media.video.format.width, self.media.video.format.height)
        for frame in frames:
            if (frame.width, frame.height) == expected:
                yield frame
            else:
                size = f"{frame.width}x{frame.height}"
                self.damage.append(f"{file}: is {size}, other images {expected[0]}x{expected[1]}")


def carries_captions(decoder: str) -> bool:
    """Return True if closed captions are part of the bitstreams that FFmpeg's `decoder` decodes."""
    return codec_spec(av.Codec(decoder, "r").canonical_name).captions


def output_reader(media: MediaInfo, source: MediaInfo) -> OutputVideoReader:
    """Return the reader of the output `media`, which was upscaled from `source`."""
    return ImageOutputReader(media, source) if media.images else OutputVideoReader(media, source)
