"""The two films, frame by frame: the source as a job reads it, the result by PyAV alone.

No decoder of the project's stands between the result's file and the verdict, so that one fault can't hide in both.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.error
import numpy as np

from pipeline.errors import InputError
from pipeline.flow.stage import Chain, Stage
from pipeline.frame import Frame
from pipeline.media.av_errors import translate_read_errors
from pipeline.media.decoding.frame_reader import FrameReader
from pipeline.media.decoding.interlace.bwdif import MAX_GAP_FRAMES, Deinterlace, Deinterlacing
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.decoding.trim import Excerpt
from pipeline.media.reading import alpha
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.image_source import ImageSource
from pipeline.media.reading.input_container import open_input
from pipeline.media.reading.media_info import MediaInfo, VideoInfo
from pipeline.media.reading.source import Source
from pipeline.verification.frame_signature import Grid, Signature, laid, signature_of, signature_of_picture
from pipeline.verification.packet_digest import Packets


class Shown(NamedTuple):
    """A frame: when it is shown and for how long, in seconds, and what it looks like; None where nobody looks."""

    at: float
    lasts: float
    picture: Signature | None


class Part(NamedTuple):
    """Which part of a source a result is made of, as settings have it; all None: the whole."""

    start: Fraction | None = None
    end: Fraction | None = None
    frames: int | None = None


class Film(ABC):
    """A file that is read once, from its beginning to its end.

    others: the packets of its other streams, by stream index, as far as it was read. damage: lines about what could
    not be read. timeless: its frames have an order, and no times that mean anything.
    """

    timeless = False

    def __init__(self, media: MediaInfo) -> None:
        self.media = media
        self.others: dict[int, Packets] = {}
        self.damage: list[str] = []

    def frames(self) -> Iterator[Shown]:
        """Its frames. What can't be read ends them, and is told in `damage`."""
        try:
            yield from self._frames()
        except InputError as error:
            self.damage.append(str(error))

    def times(self) -> Iterator[float]:
        """When its frames are shown, in seconds, nan if unknown, in the order of the file; nothing is decoded."""
        try:
            yield from self._times()
        except InputError as error:
            self.damage.append(str(error))

    @abstractmethod
    def _frames(self) -> Iterator[Shown]: ...

    @abstractmethod
    def _times(self) -> Iterator[float]: ...

    def _time(self, packet: av.Packet[Any], video: int) -> Iterator[float]:
        """When a packet of the stream `video` is shown; of others note is taken."""
        if packet.stream_index != video:
            if packet.size:
                self._pass(packet)
        elif packet.size and not packet.is_discard:
            yield float("nan") if packet.pts is None else float(packet.pts * (packet.time_base or 0))

    def _pass(self, packet: av.Packet[Any]) -> None:
        if packet.stream_index not in self.others:
            self.others[packet.stream_index] = Packets(packet.stream)
        self.others[packet.stream_index].add(packet)


class SourceFilm(Film):
    """A source, its clock mended, its frames chosen and deinterlaced as a job does it.

    alpha: what is transparent is compared too. deinterlacing: None for none.
    """

    def __init__(
        self, media: MediaInfo, part: Part, alpha: bool = False, deinterlacing: Deinterlacing | None = None
    ) -> None:
        super().__init__(media)
        self._alpha = alpha
        self._deinterlacing = deinterlacing
        self._video = deinterlacing.apply_to(media.video) if deinterlacing else media.video
        self._part = part
        self._orientation = orientation_of(media.video)
        self._grid = Grid.over(media.video.format.width, media.video.format.height)

    def _frames(self) -> Iterator[Shown]:
        video = self.media.video
        others = self._others()
        excerpt = Excerpt.from_times(video.start * video.time_base, video.rate, *self._part)
        with self._opened(others, excerpt) as source:
            intake = FrameReader(source, video.format, excerpt, others)
            fields = (
                [Deinterlace(self._deinterlacing, video.format, video.frame_duration)] if self._deinterlacing else []
            )
            with contextlib.closing(Chain[Any, Any](intake, *fields)) as stages:
                for item in _all(source, stages):
                    if isinstance(item, Frame):
                        yield self._shown(item)
                    else:
                        self._pass(item)
            intake.check_missing_frames()
            self.damage += source.damage.summary()

    def _times(self) -> Iterator[float]:
        with self._opened(self._others(), None) as source:
            times = (time for packet in source for time in self._time(packet, source.video.index))
            yield from self._midways(times) if self._deinterlacing and self._deinterlacing.doubled else times
            self.damage += source.damage.summary()

    def _midways(self, times: Iterable[float]) -> Iterator[float]:
        """`times`, sorted, and what lies midway between them, as the deinterlacer has it."""
        lasting = float(self.media.video.frame_duration * self.media.video.time_base)
        frames = np.sort(list(times))
        gaps = np.diff(frames, append=frames[-1:] + lasting)
        for at, gap in zip(frames, gaps, strict=True):
            yield from (at, at + (gap if gap <= MAX_GAP_FRAMES * lasting else lasting) / 2)

    def _others(self) -> frozenset[int]:
        return frozenset(stream.index for stream in self.media.others if stream.kind != "attachment")

    def _opened(self, others: frozenset[int], excerpt: Excerpt | None) -> FileSource | ImageSource:
        media = self.media
        if media.images:
            return ImageSource(media.images, media.video.rate)
        video, start = media.video, excerpt.start if excerpt else None
        options = ReadOptions(others, video_index=video.index, start=start, first_pts=video.start)
        return FileSource(media.path, options)

    def _shown(self, frame: Frame) -> Shown:
        time_base = self._video.time_base
        picture = laid(signature_of(frame.planes, frame.format, self._grid, self._alpha), self._orientation)
        return Shown(float(frame.pts * time_base), float(frame.duration * time_base), picture)


def orientation_of(video: VideoInfo) -> Orientation:
    """How players lay its pictures; those at an odd angle are compared as they are coded."""
    return Orientation.from_matrix(video.display_matrix) or Orientation()


def _all(source: Source, stages: Stage[Any, Any]) -> Iterator[Any]:
    for packet in source:
        yield from stages.feed(packet)
    yield from stages.finish()


class ResultFilm(Film):
    """A result, as any player would read it."""

    def __init__(self, media: MediaInfo, source: MediaInfo) -> None:
        super().__init__(media)
        self._orientation = orientation_of(media.video)
        self._alpha = source.video.alpha and media.video.alpha
        format, large = source.video.format, media.video.format
        shown = Grid.over(format.width, format.height).laid(orientation_of(source.video))
        self._grid = shown.laid(self._orientation.inverse).enlarged(large.width, large.height)

    def _frames(self) -> Iterator[Shown]:
        with open_input(self.media.path) as container, translate_read_errors(self.media.path, "in its middle"):
            video: Any = container.streams[self.media.video.index]
            decoder = alpha.choose_alpha_decoder(video)
            decoder.thread_type = "AUTO"
            for packet in container.demux():
                if packet.stream.index == video.index:
                    for picture in decoder.decode(packet):
                        yield self._shown(picture)
                elif packet.size:
                    self._pass(packet)

    def _times(self) -> Iterator[float]:
        with open_input(self.media.path) as container, translate_read_errors(self.media.path, "in its middle"):
            for packet in container.demux():
                yield from self._time(packet, self.media.video.index)

    def _shown(self, picture: Any) -> Shown:
        at = float("nan") if picture.pts is None else float(picture.pts * picture.time_base)
        lasts = float((picture.duration or 0) * picture.time_base)
        signature = signature_of_picture(picture, self.media.video.format.colour, self._grid, self._alpha)
        return Shown(at, lasts, laid(signature, self._orientation))


class ResultPictures(ResultFilm):
    """A result that is pictures: one file, or a numbered sequence."""

    timeless = True

    def _frames(self) -> Iterator[Shown]:
        assert self.media.images is not None
        with ImageSource(self.media.images) as source:
            for file, packet in zip(self.media.images.files.values(), source, strict=True):
                for picture in self._decoded(file, packet):
                    yield self._shown(picture)

    def _times(self) -> Iterator[float]:
        assert self.media.images is not None
        for _ in self.media.images.files:
            yield float("nan")

    def _decoded(self, file: Path, packet: av.Packet[Any]) -> Iterator[Any]:
        """The picture in a `packet`; none, and a line in `damage`, if it can't be compared."""
        try:
            pictures = packet.decode()
        except av.error.FFmpegError as error:
            self.damage.append(f"{file}: can't be decoded ({error.strerror})")
            return
        wanted = (self.media.video.format.width, self.media.video.format.height)
        for picture in pictures:
            if (picture.width, picture.height) == wanted:
                yield picture
            else:
                self.damage.append(f"{file}: is {picture.width}x{picture.height}, others {wanted[0]}x{wanted[1]}")


def result_film(media: MediaInfo, source: MediaInfo) -> ResultFilm:
    """The result `media`, made from `source`, to be read."""
    return ResultPictures(media, source) if media.images else ResultFilm(media, source)
