"""Deinterlacing by libavfilter's bwdif, which interpolates the missing rows of a field in space and time."""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Generic, Literal, NamedTuple, TypeVar

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

MAX_GAP_FRAMES = 2  # frame durations between two frames, above which the second does not continue the first

Other = TypeVar("Other")


@dataclass(frozen=True)
class Deinterlacing:
    """The parameters of deinterlacing a video.

    Attributes:
        which: The frames that are deinterlaced: "all", those that are "marked" as interlaced, or those that look
            "combed". Others pass unchanged.
        top_first: The top field, which has the even rows, is the earlier one.
        doubled: Both fields of a frame become frames; else only the first.
    """

    which: Literal["all", "marked", "combed"]
    top_first: bool
    doubled: bool = False

    @property
    def multiplier(self) -> int:
        """The number of frames that each frame becomes."""
        return 2 if self.doubled else 1

    @property
    def tick_divisor(self) -> int:
        """The number of ticks that each tick becomes, so that there is one midway between two frames."""
        return self.multiplier

    def apply_to(self, video: VideoInfo) -> VideoInfo:
        """The description of the deinterlaced `video`."""
        return replace(
            video,
            rate=video.rate * self.multiplier,
            time_base=video.time_base / self.tick_divisor,
            start=video.start * self.tick_divisor,
            frames=None if video.frames is None else video.frames * self.multiplier,
        )


@dataclass(frozen=True)
class FineClockDeinterlacing(Deinterlacing):
    """Deinterlacing on a clock whose ticks are fine enough as they are."""

    @property
    def tick_divisor(self) -> int:
        return 1


def find_bwdif_format(format: FrameFormat) -> FrameFormat | None:
    """The format as which bwdif accepts the samples of frames of `format` unchanged; None if it can't.

    bwdif accepts fewer formats of 10 and 12 bits than of 16.
    """
    wide = PIXEL_FORMATS.get(format.pixel.name.replace("10le", "16le").replace("12le", "16le"))
    candidates = [format, *([replace(format, pixel=wide)] if wide and wide != format.pixel else [])]
    return next((candidate for candidate in candidates if _is_accepted(candidate)), None)


class FlushMarker:
    """An item between frames of a live stream that pauses: frames that wait for the next one are yielded without it."""


class Deinterlace(Stage[Frame | FlushMarker | Other, Frame | Other], Generic[Other]):
    """Yields one frame for each frame, at its time, or two, the second midway to the next frame.

    A FlushMarker ends here; other items pass.

    Args:
        deinterlacing: What is done.
        format: The format of the frames.
        frame_duration: The usual duration of a frame, in ticks.

    Raises:
        InputError: bwdif does not support the format; see `find_bwdif_format`.
    """

    def __init__(self, deinterlacing: Deinterlacing, format: FrameFormat, frame_duration: int) -> None:
        bwdif_format = find_bwdif_format(format)
        if bwdif_format is None:
            raise InputError(f'frames of {format} can\'t be deinterlaced; `deinterlace="off"` leaves them interlaced')
        self._deinterlacing, self._format, self._bwdif_format = deinterlacing, format, bwdif_format
        self._frame_duration = frame_duration
        self._graph: Graph | None = _build_graph(deinterlacing, bwdif_format)
        self._held: deque[_HeldFrame] = deque()
        self._filtered: list[av.VideoFrame] = []
        self._rows_before: Rows | None = None

    def feed(self, item: Frame | FlushMarker | Other) -> Iterator[Frame | Other]:
        if isinstance(item, FlushMarker):
            yield from self.finish()
            self._graph, self._rows_before = _build_graph(self._deinterlacing, self._bwdif_format), None
        elif isinstance(item, Frame):
            passes = not self._is_selected(item)
            frame = _share(item, 1 + passes * self._deinterlacing.multiplier)
            self._held.append(_HeldFrame(frame, passes))
            yield from self._filter(wrap_frame(replace(frame, format=self._bwdif_format)))
        else:
            yield item

    def finish(self) -> Iterator[Frame | Other]:
        yield from self._filter(None)

    def close(self) -> None:
        self._graph = None
        self._filtered.clear()
        while self._held:
            held = self._held.popleft()
            for _ in range(held.passes * self._deinterlacing.multiplier):
                held.frame.release()

    def _is_selected(self, frame: Frame) -> bool:
        """Return True if `frame` is deinterlaced. If only combed ones are, the first one is not."""
        if self._deinterlacing.which != "combed":
            return self._deinterlacing.which == "all" or frame.interlaced
        before, self._rows_before = self._rows_before, sample_rows(frame.planes[0], frame.format.pixel)
        return before is not None and Combing.between(before, self._rows_before).is_combed

    def _filter(self, frame: av.VideoFrame | None) -> Iterator[Frame]:
        """Push `frame`, None to flush, and yield what is complete. bwdif is one frame behind."""
        for filtered in self._run_graph(frame):
            self._filtered.append(filtered)
            if len(self._filtered) == self._deinterlacing.multiplier:
                yield from self._make_frames(self._held.popleft(), self._filtered)
                self._filtered = []

    def _run_graph(self, frame: av.VideoFrame | None) -> list[av.VideoFrame]:
        assert self._graph is not None
        try:
            self._graph.push(frame)
            return list(_pull_all(self._graph))
        except (av.error.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            hint = '`deinterlace="off"` avoids it'
            raise InputError(f"libavfilter can't deinterlace a frame ({reason}); {hint}") from error

    def _make_frames(self, held: _HeldFrame, filtered: list[av.VideoFrame]) -> Iterator[Frame]:
        """The frames that a frame becomes: `filtered`, or itself."""
        frame, duration = held.frame, self._output_duration(held.frame)
        for index, output in enumerate(filtered):
            pts = frame.pts * self._deinterlacing.tick_divisor + index * duration
            captions = b"" if index else frame.captions
            if held.passes:
                yield replace(frame, pts=pts, duration=duration, captions=captions)
            else:
                yield Frame(self._format, self._extract_planes(output), pts, duration, captions=captions)

    def _output_duration(self, frame: Frame) -> int:
        """The duration of each frame that `frame` becomes: up to the next one, if that is not far away."""
        if not self._deinterlacing.doubled:
            return frame.duration
        distance = self._held[0].frame.pts - frame.pts if self._held else frame.duration or self._frame_duration
        duration = distance if distance <= MAX_GAP_FRAMES * self._frame_duration else self._frame_duration
        return duration * self._deinterlacing.tick_divisor // self._deinterlacing.multiplier

    def _extract_planes(self, filtered: av.VideoFrame) -> tuple[Plane, ...]:
        planes = extract_planes(filtered, self._bwdif_format)
        maximum = (1 << self._format.pixel.depth) - 1
        if self._bwdif_format.pixel.depth > self._format.pixel.depth:
            for plane in planes:  # interpolated samples may exceed both of their neighbours
                np.minimum(plane, maximum, out=plane)
        return planes


class _HeldFrame(NamedTuple):
    """A frame in bwdif.

    Attributes:
        frame: The frame.
        passes: The frame is yielded unchanged.
    """

    frame: Frame
    passes: bool


def _share(frame: Frame, owners: int) -> Frame:
    """`frame`, which is released once each of several `owners` has released it."""
    count = itertools.count(1)

    def release() -> None:
        if next(count) == owners:
            frame.release()

    return replace(frame, release=release)


def _build_graph(deinterlacing: Deinterlacing, format: FrameFormat) -> Graph:
    graph, av_format = Graph(), av.VideoFormat(format.pixel.name, format.width, format.height)
    mode = "send_field" if deinterlacing.doubled else "send_frame"
    parity = "tff" if deinterlacing.top_first else "bff"
    graph.link_nodes(
        graph.add_buffer(width=format.width, height=format.height, format=av_format, time_base=Fraction(1)),
        graph.add("bwdif", f"mode={mode}:parity={parity}:deint=all"),
        graph.add("buffersink"),
    ).configure()
    return graph


def _pull_all(graph: Graph) -> Iterator[av.VideoFrame]:
    """The frames that are ready."""
    pull: Callable[[], Any] = graph.vpull
    with contextlib.suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            yield pull()


def _is_accepted(format: FrameFormat) -> bool:
    """Return True if bwdif accepts frames of `format` without a conversion by libavfilter, tried on one."""
    blank = Frame(format, format.split(np.zeros(format.bytes, np.uint8)), 0)
    try:
        graph = _build_graph(Deinterlacing("all", True), format)
        graph.push(wrap_frame(blank))
        graph.push(None)
    except (av.error.FFmpegError, ValueError, NotImplementedError):  # too small; an odd size; unknown to PyAV
        return False
    return [frame.format.name for frame in _pull_all(graph)] == [format.pixel.name]
