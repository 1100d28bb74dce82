"""Fields become pictures: libavfilter's bwdif makes up the rows that each lacks, from those above, below and around."""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import av
import av.error
import numpy as np
from av.filter import Graph

from pipeline.errors import InputError
from pipeline.flow.stage import Stage
from pipeline.frame import PIXEL_FORMATS, Frame, FrameFormat, Plane
from pipeline.media.av_frames import wrap_frame
from pipeline.media.decoding.interlace.combing import Combing, Rows, sample_rows
from pipeline.media.decoding.swscale import extract_planes
from pipeline.media.reading.media_info import VideoInfo

MAX_GAP_FRAMES = 2  # times as long as frames last: one that comes later does not follow


@dataclass(frozen=True)
class Deinterlacing:
    """which: frames, all or those that are marked as interlaced or look combed; the others pass as they are.

    top_first: the even rows are the earlier ones. doubled: both fields of a frame become a picture, else the first.
    """

    which: Literal["all", "marked", "combed"]
    top_first: bool
    doubled: bool = False

    @property
    def multiplier(self) -> int:
        """How many frames each becomes."""
        return 2 if self.doubled else 1

    @property
    def tick_divisor(self) -> int:
        """How many ticks each becomes, so that there is one midway between two frames."""
        return self.multiplier

    def apply_to(self, video: VideoInfo) -> VideoInfo:
        """`video` as it is then."""
        return replace(
            video,
            rate=video.rate * self.multiplier,
            time_base=video.time_base / self.tick_divisor,
            start=video.start * self.tick_divisor,
            frames=None if video.frames is None else video.frames * self.multiplier,
        )


@dataclass(frozen=True)
class FineClockDeinterlacing(Deinterlacing):
    """On a clock whose ticks are fine enough already."""

    @property
    def tick_divisor(self) -> int:
        return 1


def find_bwdif_format(format: FrameFormat) -> FrameFormat | None:
    """What frames of `format` are called for bwdif, which must take their samples as they are; None if it can't.

    It knows fewer formats of 10 and 12 bit than of 16.
    """
    wide = PIXEL_FORMATS.get(format.pixel.name.replace("10le", "16le").replace("12le", "16le"))
    choices = [format, *([replace(format, pixel=wide)] if wide and wide != format.pixel else [])]
    return next((choice for choice in choices if _is_taken(choice)), None)


class FlushMarker:
    """Comes between frames where none follows for a while: what waits for the next one goes out without it."""


class Deinterlace(Stage[Any, Any]):
    """Frames of `format` in, pictures out: one for each, at its time, or two, the second midway to the next frame.

    A Pause ends here; other items pass. lasting: how long frames usually last, in ticks. Raises InputError if they
    can't be deinterlaced: see `worked_on`.
    """

    def __init__(self, how: Deinterlacing, format: FrameFormat, lasting: int) -> None:
        worked = find_bwdif_format(format)
        if worked is None:
            raise InputError(f"frames of {format} can't be deinterlaced; --deinterlace off leaves them as they are")
        self._how, self._format, self._worked, self._lasting = how, format, worked, lasting
        self._graph: Graph | None = _graph(how, worked)
        self._held: deque[_Held] = deque()
        self._made: list[av.VideoFrame] = []
        self._before: Rows | None = None

    def feed(self, item: Any) -> Iterator[Any]:
        if isinstance(item, FlushMarker):
            yield from self.finish()
            self._graph, self._before = _graph(self._how, self._worked), None
            return
        if not isinstance(item, Frame):
            yield item
            return
        passes = not self._is_wanted(item)
        frame = _shared(item, 1 + passes * self._how.multiplier)
        self._held.append(_Held(frame, passes))
        yield from self._filtered(wrap_frame(replace(frame, format=self._worked)))

    def finish(self) -> Iterator[Any]:
        yield from self._filtered(None)

    def close(self) -> None:
        self._graph = None
        self._made.clear()
        while self._held:
            held = self._held.popleft()
            for _ in range(held.passes * self._how.multiplier):
                held.frame.release()

    def _is_wanted(self, frame: Frame) -> bool:
        """Whether it is to be deinterlaced; the first of those that may be combed is not: nothing comes before it."""
        if self._how.which != "combed":
            return self._how.which == "all" or frame.interlaced
        before, self._before = self._before, sample_rows(frame.planes[0], frame.format.pixel)
        return before is not None and Combing.between(before, self._before).is_seen

    def _filtered(self, picture: av.VideoFrame | None) -> Iterator[Frame]:
        """What follows from `picture`; None is the end. bwdif is one frame behind."""
        for made in self._through(picture):
            self._made.append(made)
            if len(self._made) == self._how.multiplier:
                yield from self._shown(self._held.popleft(), self._made)
                self._made = []

    def _through(self, picture: av.VideoFrame | None) -> list[av.VideoFrame]:
        """What bwdif has to give once it has `picture`."""
        assert self._graph is not None
        try:
            self._graph.push(picture)
            return list(_pulled(self._graph))
        except (av.error.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"libavfilter can't deinterlace a frame ({reason}); --deinterlace off works") from error

    def _shown(self, held: _Held, made: list[av.VideoFrame]) -> Iterator[Frame]:
        """The pictures of a frame: those `made` of it, or itself."""
        frame, lasts = held.frame, self._until_next(held.frame)
        for index, picture in enumerate(made):
            pts = frame.pts * self._how.tick_divisor + index * lasts
            if held.passes:
                yield replace(frame, pts=pts, duration=lasts)
            else:
                yield Frame(self._format, self._planes(picture), pts, lasts)

    def _until_next(self, frame: Frame) -> int:
        """How long each picture of `frame` lasts; to the frame that follows, if that is not far away."""
        if not self._how.doubled:
            return frame.duration
        following = self._held[0].frame.pts - frame.pts if self._held else frame.duration or self._lasting
        lasting = following if following <= MAX_GAP_FRAMES * self._lasting else self._lasting
        return lasting * self._how.tick_divisor // self._how.multiplier

    def _planes(self, picture: av.VideoFrame) -> tuple[Plane, ...]:
        planes = extract_planes(picture, self._worked)
        most = (1 << self._format.pixel.depth) - 1
        if self._worked.pixel.depth > self._format.pixel.depth:
            for plane in planes:  # what is made up may be brighter than both that it lies between
                np.minimum(plane, most, out=plane)
        return planes


class _Held(NamedTuple):
    """A frame that bwdif has not answered yet. passes: it goes on as it is."""

    frame: Frame
    passes: bool


def _shared(frame: Frame, readers: int) -> Frame:
    """`frame`, to be released by each of several `readers`."""
    count = itertools.count(1)

    def release() -> None:
        if next(count) == readers:
            frame.release()

    return replace(frame, release=release)


def _graph(how: Deinterlacing, format: FrameFormat) -> Graph:
    graph, layout = Graph(), av.VideoFormat(format.pixel.name, format.width, format.height)
    mode, parity = "send_field" if how.doubled else "send_frame", "tff" if how.top_first else "bff"
    graph.link_nodes(
        graph.add_buffer(width=format.width, height=format.height, format=layout, time_base=Fraction(1)),
        graph.add("bwdif", f"mode={mode}:parity={parity}:deint=all"),
        graph.add("buffersink"),
    ).configure()
    return graph


def _pulled(graph: Graph) -> Iterator[av.VideoFrame]:
    """What is ready."""
    pull: Callable[[], Any] = graph.vpull
    with contextlib.suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            yield pull()


def _is_taken(format: FrameFormat) -> bool:
    """Whether bwdif takes frames of `format` as they are, tried on one; else libavfilter converts them, or refuses."""
    blank = Frame(format, format.split(np.zeros(format.bytes, np.uint8)), 0)
    try:
        graph = _graph(Deinterlacing("all", True), format)
        graph.push(wrap_frame(blank))
        graph.push(None)
    except (av.error.FFmpegError, ValueError, NotImplementedError):  # too small; of odd size; unknown to PyAV
        return False
    return [picture.format.name for picture in _pulled(graph)] == [format.pixel.name]
