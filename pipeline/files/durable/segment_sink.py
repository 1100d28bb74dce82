"""A sink that writes a job's packets into segments, and joins these to the output at the end.

    encoder ──packets──▶ SegmentSink ──▶ 000000.segment, 000001.segment ... ──▶ FileSink ──▶ output

Packets of other streams are kept among those of the video as they came from the source. So the join gives a FileSink
the same packets, in the same order, as a job without segments does.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Never, Self

from av.video.codeccontext import VideoCodecContext

from pipeline.errors import Cancelled
from pipeline.files.durable.outcome import Outcome
from pipeline.files.durable.skip_finished import SkipFinished
from pipeline.files.durable.work_folder import WorkFolder
from pipeline.flow.stage import Stage
from pipeline.media.av_errors import translate_write_errors
from pipeline.media.encoding.dts import AssignDts, DecodingTimes
from pipeline.media.encoding.parallel_gop import ParallelEncoder
from pipeline.media.reading.damage import Damage
from pipeline.media.reading.source import Packet, Source
from pipeline.media.segments.segment_file import VIDEO, SegmentWriter
from pipeline.media.writing.file_sink import FileSink, Placement
from pipeline.media.writing.stream_end import ExpectedEnd
from pipeline.system.atomic_file import sync_folder


class SegmentSink(Stage[Packet, Never]):
    """Writes segments into a work folder; see FileSink for the interface.

    Attributes:
        path: The name of the finished file.
        skip: The stage, before the upscaler, that leaves out what the folder contains already.
    """

    def __init__(self, work: WorkFolder, source: Source) -> None:
        """Check that the output can be created. Raises OutputError, as FileSink does."""
        self.path = work.plan.target
        self._work, self._plan, self._source = work, work.plan, source
        shift = round(work.plan.time_shift / work.plan.time_base)
        self.skip = SkipFinished(source.path, work.times, work.others, shift)
        with self._open_file() as file:
            self._header: VideoCodecContext = file.video.codec_context
        self._writer: SegmentWriter | None = None
        self._file: FileSink | None = None
        self._resources = ExitStack()
        self.muxed = Counter({0: work.frames})

    @property
    def folder(self) -> Path:
        """The folder of the segments, which are kept until the output has its name."""
        return self._work.path

    @property
    def frames(self) -> int:
        """Number of frames in finished segments."""
        return self._work.frames

    @property
    def is_pending(self) -> bool:
        """True until the output has its name."""
        return self._work.path.exists()

    @property
    def dropped(self) -> list[str]:
        """See FileSink; empty before the join, like those that follow."""
        return self._file.dropped if self._file else []

    @property
    def remarks(self) -> list[str]:
        return self._file.remarks if self._file else []

    @property
    def damaged(self) -> int:
        return self._file.damaged if self._file else 0

    @property
    def repaired(self) -> int:
        return self._file.repaired if self._file else 0

    @property
    def copied(self) -> Mapping[int, int]:
        return self._file.copied if self._file else {}

    @property
    def ends(self) -> Mapping[int, ExpectedEnd]:
        return self._file.ends if self._file else {}

    def encoder(self, time_base: Fraction) -> ParallelEncoder:
        """Return the stage that encodes frames for the segments; `time_base`: of the frames' pts."""
        shift = round(self._plan.time_shift / time_base)
        return ParallelEncoder(self.path, self._header, self._plan.encoding, time_base, shift)

    def feed(self, item: Packet) -> Iterator[Never]:
        with translate_write_errors(self.path):
            if self._writer is None:
                self._writer = self._work.new_segment()
            self._writer.add(item)
            self.muxed[0] += item.stream is None
            if self._writer.frames == self._plan.segment_frames:
                self._seal()
        return iter(())

    def close(self) -> None:
        """Release nothing: the last segment is finished by `join`, if the job was not stopped."""

    def findings(self) -> Iterator[str]:
        """One line for each part of the source that the output lacks, or that was changed; after the join."""
        yield from Damage(self._source.path, damaged_packets=self.damaged).summary()
        yield from self.dropped
        yield from self.remarks
        if self.repaired:
            yield f"timestamps of other streams' packets that did not increase were repaired ({self.repaired})"

    def join(self, is_aborted: Callable[[], bool], outcome: Outcome | None = None) -> None:
        """Finish the last segment, and write all of them into the output.

        Args:
            is_aborted: Asked before each segment whether to end.
            outcome: Of the job, to be kept in case the join is interrupted; None if it is kept already.

        Raises:
            OutputError: The output or a segment can't be written, or a segment can't be read.
            Cancelled: `is_aborted` returned True.
        """
        with translate_write_errors(self.path):
            if self._writer is not None:
                self._seal()
        if outcome:
            self._work.finish(outcome)
        self._file = file = self._resources.enter_context(self._open_file())
        _join(self._work, self._source, file, is_aborted)

    def finalize(self) -> Path:
        """Write the trailer, and return the temporary name of the file, which is on the disk for good."""
        assert self._file is not None
        part = self._file.finalize()
        with translate_write_errors(self.path), part.open("rb+") as file:
            os.fsync(file.fileno())
        return part

    def commit(self, overwrite: bool) -> Path:
        """Give the file its name, and remove the segments; see PendingFile.commit."""
        assert self._file is not None
        path = self._file.commit(overwrite)
        sync_folder(path.parent)
        self._work.remove()
        return path

    def keep_partial(self) -> Path:
        """Keep the joined file under a name that marks it as incomplete, if there is one; else name the segments."""
        return self._file.keep_partial() if self._file else self._work.path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._writer is not None:
            self._writer.discard()
        self._resources.close()

    def _seal(self) -> None:
        assert self._writer is not None
        self._work.commit(self._writer)
        self._writer = None

    def _open_file(self) -> FileSink:
        plan = self._plan
        placement = Placement(plan.time_shift, plan.end_time, self._work.folder_of_output)
        return FileSink(plan.target, plan.encoding, self._source, plan.copied, placement)


def _join(work: WorkFolder, source: Source, file: FileSink, is_aborted: Callable[[], bool]) -> None:
    """Write the packets of all segments into `file`; see SegmentSink.join."""
    times = DecodingTimes()
    assign = AssignDts(times)
    for segment in work.read():
        if is_aborted():
            raise Cancelled(f"{file.path}: aborted while it was joined; the same command joins its segments again")
        for pts in segment.facts.times:
            times.add_frame(pts)
        for index, packet in segment.packets():
            if index != VIDEO:
                packet.stream = source.container.streams[index]
            for timed in assign.feed(packet):
                _exhaust(file.feed(timed))
    _exhaust(file.finish())


def _exhaust(items: Iterator[Never]) -> None:
    """Let a stage do its work, which it may do lazily."""
    for _ in items:
        pass
