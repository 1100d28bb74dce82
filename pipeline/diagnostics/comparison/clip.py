"""A piece of a video, whose frames can be read repeatedly, each with its time."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.config.settings import Settings
from pipeline.errors import InputError
from pipeline.flow.stage import Chain, Stage
from pipeline.frame import Frame, FrameFormat
from pipeline.media.decoding.frame_reader import FrameReader
from pipeline.media.decoding.interlace.policy import plan_deinterlacing
from pipeline.media.decoding.preprocess import preprocess
from pipeline.media.decoding.rotate import Orientation
from pipeline.media.decoding.trim import Excerpt
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.image_source import ImageSource
from pipeline.media.reading.pipe import is_pipe
from pipeline.media.reading.probe import probe
from pipeline.media.reading.source import Source


@dataclass(frozen=True)
class TimedFrame:
    """A frame and its time.

    Attributes:
        time: In seconds after the first frame of the video.
        frame: In main memory; its reader releases it.
    """

    time: float
    frame: Frame


class Clip:
    """A piece of a video or of an image sequence, decoded in software, deinterlaced and rotated as by `upscale`.

    Args:
        path: A video, an image, or a pattern of numbered images.
        settings: `start`, `end`, `deinterlace`, `video_stream` and `strict` are read from it.

    Attributes:
        path: As given.
        media: Its description.
        format: The format of all frames.

    Raises:
        InputError: It can't be read, or is a pipe.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        if is_pipe(path):
            raise InputError(
                "frames are read several times, which a pipe does not allow: save the video as a file first"
            )
        self.path = path
        self.media = probe(path, settings.video_stream)
        self._settings = settings
        video = self.media.video
        fields = plan_deinterlacing(self.media, settings.deinterlace, settings.start, settings.end)
        self._deinterlacing, self._time_base = fields.deinterlacing, fields.apply_to(video).time_base
        orientation = Orientation.from_matrix(video.display_matrix)
        self._rotation = None if orientation in (None, Orientation()) else orientation
        self.format: FrameFormat = self._rotation.rotated_format(video.format) if self._rotation else video.format

    @property
    def sample_aspect(self) -> Fraction:
        """Width of a sample divided by its height, as frames are after rotation."""
        aspect = self.media.video.sample_aspect
        return 1 / aspect if self._rotation and self._rotation.transposed else aspect

    def times(self) -> tuple[float, ...]:
        """The times of all frames of the piece, in seconds after the first frame of the video.

        Raises:
            InputError: There is no frame in it.
        """
        times = []
        for timed in self.frames():
            times.append(timed.time)
            timed.frame.release()
        if not times:
            raise InputError(self._emptiness())
        return tuple(times)

    def first(self, frames: Iterator[TimedFrame]) -> TimedFrame:
        """The first of the `frames` of this clip. Raises InputError if there is none."""
        timed = next(frames, None)
        if timed is None:
            raise InputError(self._emptiness())
        return timed

    def frames(self) -> Generator[TimedFrame, None, None]:
        """Decode the piece from its beginning."""
        video = self.media.video
        excerpt = Excerpt.from_times(video.start_time, video.rate, self._settings.start, self._settings.end, None)
        with self._open(excerpt) as source:
            stages = preprocess(video.format, video.frame_duration, self._deinterlacing, self._rotation)
            reader: Stage[Any, Any] = Chain(FrameReader(source, video.format, excerpt, frozenset()), *stages)
            try:
                for packet in source:
                    yield from map(self._timed, reader.feed(packet))
                yield from map(self._timed, reader.finish())
            finally:
                reader.close()

    def _open(self, excerpt: Excerpt | None) -> Source:
        video = self.media.video
        if self.media.images:
            return ImageSource(self.media.images, video.rate, self._settings.strict)
        options = ReadOptions(
            video_index=video.index,
            strict=self._settings.strict,
            start=excerpt.start if excerpt else None,
            first_pts=video.start,
        )
        return FileSource(self.path, options)

    def _timed(self, frame: Frame) -> TimedFrame:
        return TimedFrame(float(frame.pts * self._time_base - self.media.video.start_time), frame)

    def _emptiness(self) -> str:
        """The message about a piece without a frame."""
        start, duration = self._settings.start, self.media.duration
        if not start:
            return f"{self.path}: no frame of its video can be decoded"
        ends = f", it ends after {duration:.2f} s" if duration else ""
        return f"{self.path}: has no frame from {float(start):g} s on{ends}: choose an earlier time"
