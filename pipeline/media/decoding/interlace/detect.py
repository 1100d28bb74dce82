"""A look at a video's frames before the job: are they of two fields each, and which one is the earlier?

Streams say so themselves, and are often wrong: film is kept in interlaced streams, and combs in progressive ones.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice
from typing import Any

import av
import av.error

from pipeline.media.decoding.interlace.combing import Combing, sample_rows
from pipeline.media.decoding.swscale import extract_planes
from pipeline.media.reading.input_container import open_input
from pipeline.media.reading.media_info import MediaInfo

_FRAMES = 9  # in a row: more than a round of 3:2 telecine
_PLACES = (Fraction(1, 3), Fraction(2, 3), Fraction(0))  # of the length; the last where the others tell too little
_ENOUGH = 6  # frames that tell something
_MOST_PACKETS = 120  # that are read for them
_MOSTLY, _HARDLY = 0.7, 0.2
# Seen with top first: where film of 4 frames, A to D, becomes the 5 frames AA BB BC CD DD, "?" may have a trace left.
_TELECINE = (False, False, True, True, None)


@dataclass
class InterlaceDetector:
    """What was seen, in frames in which something moves; a frame of fields shows two moments.

    fields, whole: how many frames are of fields, and are not. marked_fields, marked_whole: how many of these the stream
    marks as interlaced. top_first: in how many of `fields` the even rows are the earlier ones. marked, frames: how many
    were marked, of all that were decoded. rows: for each stretch, which frames were of fields; None: it did not tell.
    """

    fields: int = 0
    whole: int = 0
    marked_fields: int = 0
    marked_whole: int = 0
    top_first: int = 0
    marked: int = 0
    frames: int = 0
    rows: list[list[bool | None]] = field(default_factory=list)

    @property
    def tells(self) -> bool:
        """Whether enough frames told something."""
        return self.fields + self.whole >= _ENOUGH

    @property
    def is_of_fields(self) -> bool:
        """Whether nearly all frames are."""
        return self.tells and self.fields >= _MOSTLY * (self.fields + self.whole)

    @property
    def is_whole(self) -> bool:
        """Whether hardly any frame is of fields."""
        return self.tells and self.fields <= _HARDLY * (self.fields + self.whole)

    @property
    def is_of_film(self) -> bool:
        """Whether nothing is marked, and something moves, and no frame is of fields: one place tells enough."""
        return self.tells and not (self.fields or self.marked)

    @property
    def marks_are_right(self) -> bool:
        """Whether the frames that are marked are those of fields."""
        unmarked = self.fields - self.marked_fields
        return self.tells and self.fields > 0 and not unmarked and self.marked_whole <= _HARDLY * self.marked_fields

    @property
    def is_telecined(self) -> bool:
        """Whether the frames of fields come as 3:2 pulldown makes them of film (two of five)."""
        return self.fields > 0 and not self.is_whole and all(_is_telecine(row) for row in self.rows)

    @property
    def top_is_first(self) -> bool | None:
        """Whether the even rows are the earlier ones; None where that is not clear."""
        share = self.top_first / self.fields if self.fields else 0.5
        return True if share >= 1 - _HARDLY else False if share <= _HARDLY else None

    def add(self, pictures: Iterable[av.VideoFrame], media: MediaInfo) -> None:
        """Look at `pictures` that follow each other."""
        format, before = media.video.format, None
        self.rows.append([])
        for picture in pictures:
            before, rows = sample_rows(extract_planes(picture, format)[0], format.pixel), before
            self.frames += 1
            self.marked += picture.interlaced_frame
            if rows is None:
                continue
            combs = Combing.between(rows, before)
            self.rows[-1].append(combs.of_fields if combs.tells else None)
            if combs.of_fields:
                self.fields += 1
                self.top_first += combs.top_first
                self.marked_fields += picture.interlaced_frame
            elif combs.tells:
                self.whole += 1
                self.marked_whole += picture.interlaced_frame


def detect_interlacing(
    media: MediaInfo, start: Fraction | None = None, end: Fraction | None = None
) -> InterlaceDetector:
    """Decode a few frames of `media`, at two places between `start` and `end` (seconds from its first frame).

    Nothing is seen in a pipe, which can't be read twice, and in still pictures. What can't be decoded is passed over:
    the job will tell. Raises InputError if it can't be opened any more.
    """
    seen = InterlaceDetector()
    if media.pipe or media.images:
        return seen
    with open_input(media.path) as container:
        stream: Any = container.streams[media.video.index]
        stream.thread_type = "AUTO"
        begun: set[int | None] = set()
        for count, time in enumerate(_places(media, start, end), 1):
            if (count == len(_PLACES) and seen.tells) or seen.is_of_film:
                break
            with contextlib.suppress(av.error.FFmpegError):
                container.seek(int(time / media.video.time_base), stream=stream)
                pictures = _pictures(container, stream)
                first = next(pictures, None)
                if first is not None and first.pts not in begun:  # key frames may be few
                    begun.add(first.pts)
                    seen.add(chain((first,), islice(pictures, _FRAMES - 1)), media)
        stream.codec_context.flush_buffers()
    return seen


def _places(media: MediaInfo, start: Fraction | None, end: Fraction | None) -> list[Fraction]:
    """Where to look, in seconds on the source's clock."""
    begins, video = start or Fraction(0), media.video
    length = Fraction(media.duration or 0)
    ends = min(length, end) if end is not None and length else end or length
    if (ends - begins) * video.rate < len(_PLACES) * _FRAMES:
        return [video.start_time + begins]
    return [video.start_time + begins + (ends - begins) * place for place in _PLACES]


def _pictures(container: Any, stream: Any) -> Iterator[av.VideoFrame]:
    """The pictures from the next key frame on that are whole."""
    begun = False
    for packet in islice(container.demux(stream), _MOST_PACKETS):
        begun = begun or packet.is_keyframe
        if begun:
            yield from (picture for picture in packet.decode() if not picture.is_corrupt)


def _is_telecine(row: list[bool | None]) -> bool:
    """Whether frames are of fields in the rhythm of 3:2 pulldown, wherever it begins."""
    phases = ([_TELECINE[(place + shift) % 5] for place in range(len(row))] for shift in range(5))
    return any(all(a is None or b is None or a == b for a, b in zip(row, phase, strict=True)) for phase in phases)
