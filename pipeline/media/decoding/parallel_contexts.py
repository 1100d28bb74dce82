"""Several codec contexts that decode the segments of a video in parallel; their frames leave in order.

    packets ──▶ SegmentCutter ──segments──▶ OrderedWorkers ──▶ frames
                                 │  context 1: segment 3
                                 │  context 2: segment 2
                                 └▶ context 3: segment 1

Contexts in parallel yield exactly what one context yields as long as the stream is regular (segments.py). Where it is
not, or a context fails, one context takes over for the rest: it decodes again from the segment before, and frames that
were already yielded are dropped. Frames that are marked as damaged are yielded like others.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain

import av
import av.error
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext

from pipeline.errors import UprezError
from pipeline.flow.ordered_workers import OrderedWorkers
from pipeline.flow.telemetry import Meter, Trace
from pipeline.media.decoding.ledger import LedgerEntry
from pipeline.media.decoding.random_access import Parser, header_parser
from pipeline.media.decoding.segments import Irregular, Segment, SegmentCutter
from pipeline.media.reading.source import Packet, Source

log = logging.getLogger(__name__)

_MAX_BYTES = 64 * 2**20  # of the segments in flight: with those around them, fewer than the ledger keeps
_FRAMES_AT_A_TIME = 8
_OPENING_ERRORS = av.error.FFmpegError, UprezError, OSError, RuntimeError
ContextOpener = Callable[[Source], VideoCodecContext]
"""Opens a codec context for the video of a source. Called by the thread that decodes; used by another one."""


@dataclass(frozen=True)
class ParallelDecoding:
    """How a video is decoded in parallel.

    Attributes:
        openers: One for each context.
        capacity: The largest number of decoded frames that wait.
        min_packets: The smallest number of packets that a context is given at a time; it takes some frames until its
            threads are busy.
        alone: Opens the context that decodes what is not decoded in parallel; None: the source's own context does.
        trace: Where the spans of each context are recorded, as "decoder 0" and so on.
    """

    openers: Sequence[ContextOpener]
    capacity: int
    min_packets: int = 24
    alone: ContextOpener | None = None
    trace: Trace | None = None


class ParallelContexts:
    """Decodes packets with several contexts, or with one if the stream is not regular.

    Args:
        source: The packets' source.
        parse: Reads the headers of a packet.
        alone: The source's own context. It decodes what is not decoded in parallel, unless `parallel` has another one.
        parallel: The contexts that decode in parallel. They are opened when there is a segment for each.

    Attributes:
        yielded: The frames so far.
    """

    def __init__(self, source: Source, parse: Parser, alone: VideoCodecContext, parallel: ParallelDecoding) -> None:
        self._source = source
        self._alone = alone
        self._parallel = parallel
        self._cutter = SegmentCutter(parse, parallel.min_packets, alone.extradata)
        self._workers: OrderedWorkers[Segment, av.VideoFrame] | None = None
        self._untaken: deque[Segment] = deque()  # complete, and not given to the workers yet
        self._in_flight: deque[Segment] = deque()
        self.yielded = YieldedFrames()
        self._again: deque[Packet | None] | None = None  # for the context that decodes alone, once it does

    @property
    def in_use(self) -> int | None:
        """The number of the first packet whose frame may not have been yielded; None where one context decodes."""
        if self._again is not None:
            return None
        oldest = next(chain(self._in_flight, self._untaken), None)
        return oldest.first if oldest else self._cutter.first

    @property
    def latest(self) -> int | None:
        """The largest number of a packet whose frame was yielded, -1 for none; None where one context decodes."""
        return self.yielded.latest if self._again is None else None

    def decode(self, packet: Packet | None, entry: LedgerEntry | None) -> Iterator[list[av.VideoFrame]]:
        """Decode `packet` and yield the frames that are there, in order. It may wait for frames of earlier packets.

        Args:
            packet: The next packet, whose pts is its number in the ledger; None yields all frames that are left.
            entry: Its entry in the ledger.

        Raises:
            FFmpegError: The context that decodes alone failed.
        """
        if self._again is None:
            yield from self._distribute(packet, entry)
        else:
            self._again.append(packet)
        while self._again:
            frames = self._alone.decode(self._again.popleft())
            self.yielded.sample_aspect = self._alone.sample_aspect_ratio
            if frames := self.yielded.without(frames):
                yield frames

    def abort(self) -> None:
        """Wake `decode` from whatever it waits for. Called from another thread."""
        if self._workers is not None:
            self._workers.abort()

    def close(self) -> None:
        """End all threads."""
        if self._workers is not None:
            self._workers.close()

    def _distribute(self, packet: Packet | None, entry: LedgerEntry | None) -> Iterator[list[av.VideoFrame]]:
        """Cut `packet` into a segment, give complete segments to the workers, and yield their frames."""
        try:
            segments = self._cutter.add(packet, entry) if packet and entry else self._cutter.finish()
        except Irregular as error:
            self._continue_alone(str(error), [])
            return
        self._untaken.extend(segments)
        rest = [packet] if packet is None else []
        if self._workers is None and not self._start(packet is None, rest):
            return
        while self._again is None and self._untaken:
            if _has_room(self._in_flight, len(self._parallel.openers)):
                self._put(self._untaken.popleft())
            else:
                yield from self._take(wait=True, rest=rest)
        if packet is None:
            while self._again is None and self._in_flight:
                yield from self._take(wait=True, rest=rest)
        elif packet.pts is None or packet.pts % _FRAMES_AT_A_TIME == 0:
            yield from self._take_as_many_as_packets()

    def _take_as_many_as_packets(self) -> Iterator[list[av.VideoFrame]]:
        """Yield as many frames as packets were added since the last call, if they are there.

        If all that are there were yielded, packets would be added again only when the contexts have nothing to do.
        """
        wanted = _FRAMES_AT_A_TIME
        while self._again is None and self._in_flight and wanted > 0:
            frames = list(self._take(wait=False, rest=[], limit=wanted))
            yield from frames
            wanted -= sum(map(len, frames))
            if not frames:
                return

    def _start(self, is_end: bool, rest: list[None]) -> bool:
        """Open the contexts, once there is a segment for each of them, or as much as may be in flight."""
        if len(self._untaken) < len(self._parallel.openers) and _bytes(self._untaken) < _MAX_BYTES:
            if is_end:
                self._continue_alone("it is short", rest)
            return False
        try:
            workers = _open_workers(self._source, self._parallel)
        except _OPENING_ERRORS as error:
            self._continue_alone(str(error), rest)
            return False
        self._workers = OrderedWorkers(workers, self._parallel.capacity, Segment.expected)
        self._source.on_close(self._workers.close)  # a context must not be closed while a thread uses it
        return True

    def _put(self, segment: Segment) -> None:
        assert self._workers is not None
        self._in_flight.append(segment)
        self._workers.put(segment)

    def _take(self, wait: bool, rest: list[None], limit: int = _FRAMES_AT_A_TIME) -> Iterator[list[av.VideoFrame]]:
        """Yield the next frames of the oldest segment, if there are any."""
        batch = self._workers.take(wait, limit) if self._workers else None
        if batch is None:
            return
        if batch.results:
            self.yielded.add(batch.results, self._in_flight[0].sample_aspect)
            yield batch.results
        if isinstance(batch.error, Irregular | av.error.FFmpegError):
            self._continue_alone(str(batch.error), rest)
        elif batch.error is not None:
            raise batch.error
        elif batch.done:
            self.yielded.finish(self._in_flight.popleft())

    def _continue_alone(self, reason: str, rest: list[None]) -> None:
        """Let one context decode the rest, from the segment before the first one that is not finished."""
        log.debug("%s: one decoder continues: %s", self._source.path, reason)
        self.close()
        self._alone = _open_alone(self._parallel.alone, self._source, self._alone)
        previous = self.yielded.segments
        packets = [packet for segment in (*previous, *self._in_flight, *self._untaken) for packet in segment.own]
        self._again = deque([*packets, *self._cutter.packets, *rest])
        self._in_flight.clear()
        self._untaken.clear()


class YieldedFrames:
    """The frames that contexts in parallel have yielded, for the one that decodes again from the segment before.

    Attributes:
        latest: The largest number of a packet whose frame was yielded, -1 for none.
        segments: The last segment of which all frames were yielded, or nothing.
        sample_aspect: The sample aspect ratio of the last frames, None if it is unknown.
    """

    def __init__(self) -> None:
        self.sample_aspect: Fraction | None = None
        self.latest = -1
        self.segments: tuple[Segment, ...] = ()
        self._numbers: set[int] = set()  # since the beginning of that segment

    def add(self, frames: Sequence[av.VideoFrame], sample_aspect: Fraction | None) -> None:
        """Note that `frames` are yielded, whose sample aspect ratio is this one."""
        self.sample_aspect = sample_aspect
        numbers = [frame.pts for frame in frames if frame.pts is not None]
        self._numbers.update(numbers)
        self.latest = max(self.latest, *numbers)

    def finish(self, segment: Segment) -> None:
        """Note that all frames of `segment` were yielded."""
        self.segments = (segment,)
        self._numbers = {number for number in self._numbers if number >= segment.first}
        self.latest = max(self.latest, segment.own[-1].pts or 0)

    def without(self, frames: list[av.VideoFrame]) -> list[av.VideoFrame]:
        """Those of `frames` that were not yielded."""
        return [frame for frame in frames if frame.pts not in self._numbers] if self._numbers else frames


def _has_room(segments: Collection[Segment], contexts: int) -> bool:
    """Return True if one more segment may be given to the contexts that work on these."""
    return len(segments) <= contexts and _bytes(segments) < _MAX_BYTES


def _bytes(segments: Iterable[Segment]) -> int:
    return sum(segment.bytes for segment in segments)


def open_parallel(
    source: Source, alone: VideoCodecContext, parallel: ParallelDecoding | None
) -> ParallelContexts | None:
    """Contexts that decode the video of `source` in parallel; None if that is not possible or not wanted.

    Args:
        source: The packets' source.
        alone: The context that decodes what is not decoded in parallel.
        parallel: How the video is decoded in parallel, None if it is not.
    """
    if parallel is None or len(parallel.openers) < 2 or alone is not source.video.codec_context:
        return None
    parse = header_parser(alone.codec.canonical_name, alone.extradata)
    return ParallelContexts(source, parse, alone, parallel) if parse else None


def open_software_context(source: Source, threads: int) -> VideoCodecContext:
    """A codec context that decodes the video of `source` on the CPU.

    Args:
        source: It must be readable again.
        threads: Frames that it decodes at the same time, at least 2: with one, FFmpeg conceals damage.
    """
    context = reopen_context(source)
    context.thread_type, context.thread_count = "AUTO", threads
    return context


def reopen_context(source: Source, hwaccel: HWAccel | None = None) -> VideoCodecContext:
    """Another codec context for the video of `source`, which must be readable again; not opened yet."""
    stream = source.rewind(hwaccel)
    if stream is None:
        raise UprezError(f"{source.path}: can't be read again")
    return stream.codec_context


def _open_alone(opener: ContextOpener | None, source: Source, own: VideoCodecContext) -> VideoCodecContext:
    """The context that decodes what is not decoded in parallel: `own`, the source's, if there is no other one."""
    if opener is None:
        return own
    try:
        return opener(source)
    except _OPENING_ERRORS as error:
        log.debug("%s: the source's own decoder is used: %s", source.path, error)
        return own


def _open_workers(source: Source, parallel: ParallelDecoding) -> list[partial[Generator[av.VideoFrame]]]:
    """A function that decodes a segment for each of the contexts, which are opened. Raises _OPENING_ERRORS."""
    return [
        partial(_decode_segment, opener(source), Meter(f"decoder {number}", trace=parallel.trace))
        for number, opener in enumerate(parallel.openers)
    ]


def _decode_segment(context: VideoCodecContext, meter: Meter, segment: Segment) -> Generator[av.VideoFrame]:
    """The frames of `segment`, as they are decoded. Raises Irregular at the first that is in doubt."""
    try:
        for packet in (*segment.packets, None):
            began = time.perf_counter()
            frames = context.decode(packet)
            meter.work(began, time.perf_counter())
            segment.sample_aspect = context.sample_aspect_ratio
            yield from filter(segment.wants, frames)
        segment.check_complete()
    finally:
        if context.is_open:
            context.flush_buffers()
