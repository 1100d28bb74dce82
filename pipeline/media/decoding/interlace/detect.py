"""Detection of interlacing in a few decoded frames, before a job.

Streams declare it themselves, and are often wrong: film is stored in interlaced streams, and combing artifacts in
progressive ones.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice
from typing import Any

import av
import av.error
from av.container import InputContainer

from pipeline.media.decoding.interlace.combing import Combing, sample_rows
from pipeline.media.decoding.swscale import extract_planes
from pipeline.media.reading.input_container import demux, flush_decoder, open_input
from pipeline.media.reading.media_info import MediaInfo

_RUN = 9  # consecutive frames: more than a cycle of 3:2 pulldown
_PLACES = (Fraction(1, 3), Fraction(2, 3), Fraction(0))  # of the length; the last one if the others are inconclusive
_MIN_CONCLUSIVE = 6  # frames
_MAX_PACKETS = 120  # that are read for a run
_MIN_SHARE, _MAX_SHARE = 0.7, 0.2  # of interlaced frames, in interlaced and in progressive video
# Interlaced frames of 3:2 pulldown: frames A, B, C, D of film become AA BB BC CD DD. Traces may remain in the last one.
_PULLDOWN = (False, False, True, True, None)


@dataclass
class InterlaceDetector:
    """Counts interlaced and progressive frames. A frame is interlaced if its two fields show two moments.

    Attributes:
        interlaced: Interlaced frames.
        progressive: Progressive frames in which something moves.
        marked_interlaced: Interlaced frames that the stream marks as such.
        marked_progressive: Progressive frames that the stream marks as interlaced.
        top_first_frames: Interlaced frames whose top field is the earlier one.
        marked: All frames that the stream marks as interlaced.
        frames: All decoded frames.
        runs: For each run of consecutive frames, which of them are interlaced; None for inconclusive ones.
    """

    interlaced: int = 0
    progressive: int = 0
    marked_interlaced: int = 0
    marked_progressive: int = 0
    top_first_frames: int = 0
    marked: int = 0
    frames: int = 0
    runs: list[list[bool | None]] = field(default_factory=list)

    @property
    def is_conclusive(self) -> bool:
        """True if enough frames were conclusive."""
        return self.interlaced + self.progressive >= _MIN_CONCLUSIVE

    @property
    def is_interlaced(self) -> bool:
        """True if most frames are interlaced."""
        return self.is_conclusive and self.interlaced >= _MIN_SHARE * (self.interlaced + self.progressive)

    @property
    def is_progressive(self) -> bool:
        """True if few frames are interlaced, or none."""
        return self.is_conclusive and self.interlaced <= _MAX_SHARE * (self.interlaced + self.progressive)

    @property
    def is_undoubtedly_progressive(self) -> bool:
        """True if no frame is interlaced or marked, so that one place is enough."""
        return self.is_conclusive and not (self.interlaced or self.marked)

    @property
    def has_correct_marks(self) -> bool:
        """True if the marked frames are the interlaced ones."""
        unmarked = self.interlaced - self.marked_interlaced
        are_few_wrong = self.marked_progressive <= _MAX_SHARE * self.marked_interlaced
        return self.is_conclusive and self.interlaced > 0 and not unmarked and are_few_wrong

    @property
    def is_telecined(self) -> bool:
        """True if two of five frames are interlaced, in the rhythm of 3:2 pulldown."""
        return self.interlaced > 0 and not self.is_progressive and all(_is_pulldown(run) for run in self.runs)

    @property
    def top_first(self) -> bool | None:
        """True if the top field is the earlier one, False if the bottom field is; None if that is not clear."""
        share = self.top_first_frames / self.interlaced if self.interlaced else 0.5
        return True if share >= 1 - _MAX_SHARE else False if share <= _MAX_SHARE else None

    def add_run(self, frames: Iterable[av.VideoFrame], media: MediaInfo) -> None:
        """Examine consecutive frames of `media`."""
        format, before = media.video.format, None
        self.runs.append([])
        for frame in frames:
            rows = sample_rows(extract_planes(frame, format, media.video.crop)[0], format.pixel)
            self.frames += 1
            self.marked += frame.interlaced_frame
            if before is not None:
                self._add(Combing.between(before, rows), frame.interlaced_frame)
            before = rows

    def _add(self, combing: Combing, is_marked: bool) -> None:
        self.runs[-1].append(combing.is_interlaced if combing.is_conclusive else None)
        if combing.is_interlaced:
            self.interlaced += 1
            self.top_first_frames += combing.top_first
            self.marked_interlaced += is_marked
        elif combing.is_conclusive:
            self.progressive += 1
            self.marked_progressive += is_marked


def detect_interlacing(
    media: MediaInfo, start: Fraction | None = None, end: Fraction | None = None
) -> InterlaceDetector:
    """Decode and examine a few frames, in two or three places.

    Nothing is examined in a pipe, which can't be read twice, and in images. Frames that can't be decoded are skipped:
    the job will report them.

    Args:
        media: The source.
        start: Where the job starts, in seconds after the first frame; None for the beginning.
        end: Where it ends, None for the end.

    Raises:
        InputError: The source can't be opened.
    """
    detected = InterlaceDetector()
    if media.pipe or media.images:
        return detected
    with open_input(media.path) as container, contextlib.ExitStack() as stack:
        stream: Any = container.streams[media.video.index]
        stream.thread_type = "AUTO"
        stack.callback(flush_decoder, stream.codec_context)
        run_starts: set[int | None] = set()
        for count, time in enumerate(_places(media, start, end), 1):
            if (count == len(_PLACES) and detected.is_conclusive) or detected.is_undoubtedly_progressive:
                break
            with contextlib.suppress(av.error.FFmpegError):
                container.seek(int(time / media.video.time_base), stream=stream)
                with contextlib.closing(_decode(container, stream)) as frames:
                    first = next(frames, None)
                    if first is not None and first.pts not in run_starts:  # two places may share a key frame
                        run_starts.add(first.pts)
                        detected.add_run(chain((first,), islice(frames, _RUN - 1)), media)
    return detected


def _places(media: MediaInfo, start: Fraction | None, end: Fraction | None) -> list[Fraction]:
    """The times of the runs, in seconds on the source's clock."""
    begins, video = start or Fraction(0), media.video
    length = Fraction(media.duration or 0)
    ends = min(length, end) if end is not None and length else end or length
    if (ends - begins) * video.rate < len(_PLACES) * _RUN:
        return [video.start_time + begins]
    return [video.start_time + begins + (ends - begins) * place for place in _PLACES]


def _decode(container: InputContainer, stream: Any) -> Generator[av.VideoFrame, None, None]:
    """The undamaged frames from the next key frame on."""
    has_key_frame = False
    with demux(container, stream) as packets:
        for packet in islice(packets, _MAX_PACKETS):
            has_key_frame = has_key_frame or packet.is_keyframe
            if has_key_frame:
                yield from (frame for frame in packet.decode() if not frame.is_corrupt)


def _is_pulldown(run: list[bool | None]) -> bool:
    """Return True if a run of frames matches 3:2 pulldown in any phase."""
    phases = ([_PULLDOWN[(index + shift) % 5] for index in range(len(run))] for shift in range(5))
    return any(all(a is None or b is None or a == b for a, b in zip(run, phase, strict=True)) for phase in phases)
