"""Measures the stages of a file's job, each alone and together.

Rows are measured one after the other, on the same clip, after a warm-up:

- decode           demultiplexing and decoding; frames are discarded
- engine           the network alone, on inputs where it expects them: no copies, no colour conversion
- encode           the encoder alone, fed with upscaled frames from memory
- decode + encode  both at the same time, in their threads, without a network in between
- discarded        everything up to the upscaled frame in main memory
- encoded          everything

A rate is taken over frames as they reach the end of the measured part (the encoder's input, if there is one), in the
steady state: without the first frames, which fill queues and the encoder's lookahead, and without draining.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.config.settings import Settings
from pipeline.diagnostics.report import BenchmarkRow
from pipeline.diagnostics.timing import FrameTimer, RestampFrames, endless_packets, for_seconds
from pipeline.files.budget import allocate_encoders
from pipeline.files.components import decoding_gpu, open_source, preprocessing_stages, queue_weight
from pipeline.files.plan import Plan, make_plan
from pipeline.flow.closing import Closing
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Chain, Stage
from pipeline.flow.telemetry import Meter, Trace
from pipeline.frame import Frame
from pipeline.media.decoding.decoder import Decoder
from pipeline.media.decoding.decoder_count import parallel_decoding
from pipeline.media.encoding.parallel_gop import mirrored
from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.probe import probe
from pipeline.media.reading.source import Source
from pipeline.media.writing.file_sink import FileSink
from pipeline.superres.session import Session
from pipeline.superres.sessions import open_session
from pipeline.superres.stages import Collect, Submit

_POOL_FRAMES = 12  # upscaled frames that the encoder alone is fed with, forwards and backwards in turn

Stages = dict[str, Stage[Any, Any]]


class StageBenchmark(Closing):
    """Measures the stages of upscaling one clip. Use it in a `with` statement.

    The session is opened when it is first needed.

    Args:
        clip: A video; it is read repeatedly.
        settings: As for `upscale`. Only the video is used, and no output is kept.
        seconds: How long to measure each row.
        endless: Allocate parallel encoders as for a video of unknown length, however short the clip is.

    Attributes:
        plan: What `make_plan` decided.
        seconds: As given.

    Raises:
        UprezError: As `make_plan`.
    """

    def __init__(self, clip: str | Path, settings: Settings, seconds: float = 5.0, endless: bool = False) -> None:
        self.seconds = seconds
        with ExitStack() as resources:
            folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="uprez-bench-"))
            self.plan = _plan(clip, Path(folder) / "result.mkv", settings, endless)
            self._resources = resources.pop_all()

    def close(self) -> None:
        """Close the session and remove temporary files."""
        self._resources.close()

    @cached_property
    def session(self) -> Session[Any]:
        """The session that upscales."""
        return self._resources.enter_context(self._open_session())

    @cached_property
    def upscaled_frames(self) -> list[Frame]:
        """The clip's first frames, upscaled, in memory of their own. Making them warms the session up."""
        pool: list[Frame] = []
        with open_source(self.plan) as source, contextlib.closing(decoding_stages(self.plan, source)) as decoder:
            decoded = itertools.chain((frame for packet in source for frame in decoder.feed(packet)), decoder.finish())
            for frame in itertools.islice(decoded, _POOL_FRAMES):
                done = self.session.collect(self.session.submit(frame))
                pool.append(replace(done, planes=tuple(plane.copy() for plane in done.planes), release=lambda: None))
                done.release()
        return pool

    def decode(self) -> BenchmarkRow:
        """Demultiplexing and decoding alone."""
        timer = FrameTimer(self.plan, discard=True)
        with open_source(self.plan) as source:
            self._run(timer, endless_packets(source.path), {"decode": Chain(decoding_stages(self.plan, source), timer)})
        return timer.row("decode")

    def engine(self) -> BenchmarkRow:
        """The network alone: the number of frames is raised until they take long enough."""
        _ = self.upscaled_frames  # the network is run on the last frame that was submitted
        frames, seconds = 1, 0.0
        while seconds < self.seconds:
            frames = max(frames, round(1.2 * frames * self.seconds / seconds)) if seconds > 0.1 else frames * 2
            began = time.perf_counter()
            self.session.run_network(frames)
            seconds = time.perf_counter() - began
        return BenchmarkRow(name="engine", frames=frames, seconds=seconds, rate=frames / seconds)

    def encode(self, frames: Sequence[Frame] = ()) -> BenchmarkRow:
        """The encoder alone.

        Args:
            frames: What it is fed with, of `plan.output_format`. Default: upscaled frames of the clip.
        """
        timer, pool = FrameTimer(self.plan), list(frames) or self.upscaled_frames
        with discarded_output(self.plan, timer) as encoder:
            endless = (mirrored(pool, index) for index in itertools.count())
            self._run(timer, endless, {"encode": Chain(RestampFrames(self.plan), encoder)})
        return timer.row("encode")

    def decode_and_encode(self) -> BenchmarkRow:
        """Decoder and encoder at the same time; upscaled frames from memory replace the decoded ones."""
        timer = FrameTimer(self.plan)
        with open_source(self.plan) as source, discarded_output(self.plan, timer) as encoder:
            restamp = RestampFrames(self.plan, self.upscaled_frames)
            stages: Stages = {"decode": Chain(decoding_stages(self.plan, source), restamp), "encode": encoder}
            self._run(timer, endless_packets(source.path), stages)
        return timer.row("decode + encode")

    def discarded(self) -> BenchmarkRow:
        """Everything up to the upscaled frame in main memory."""
        return self._everything(self.session, encoded=False).model_copy(update={"name": "discarded"})

    def encoded(self) -> BenchmarkRow:
        """Everything."""
        return self._everything(self.session, encoded=True).model_copy(update={"name": "encoded"})

    def record(self, trace: Trace) -> None:
        """Run everything up to the upscaled frame once more, with its spans recorded in `trace`."""
        with self._open_session(trace) as session:
            self._everything(session, encoded=False, trace=trace)

    def _open_session(self, trace: Trace | None = None) -> Session[Any]:
        return open_session(self.plan.session_request, trace)

    def _everything(self, session: Session[Any], encoded: bool, trace: Trace | None = None) -> BenchmarkRow:
        timer = FrameTimer(self.plan, discard=not encoded)
        output = discarded_output(self.plan, timer) if encoded else contextlib.nullcontext(timer)
        with open_source(self.plan) as source, output as last:
            stages: Stages = {
                "decode": Chain(decoding_stages(self.plan, source, trace), RestampFrames(self.plan)),
                "submit": Submit(session),
            }
            if encoded:
                stages |= {"upscale": Collect[Any](session), "encode": last}
            else:
                stages["upscale"] = Chain(Collect[Any](session), last)
            meters = self._run(timer, endless_packets(source.path), stages, trace)
        cpu = sum(meter.cpu for meter in meters if meter.name in ("submit", "upscale"))
        return timer.row("encoded").model_copy(update={"cpu": 1000 * cpu / timer.frames})

    def _run(self, timer: FrameTimer, items: Iterator[Any], stages: Stages, trace: Trace | None = None) -> list[Meter]:
        settings = self.plan.settings
        limited = for_seconds(items, timer, self.seconds)
        pipeline = Pipeline(limited, stages, settings.queue, queue_weight, trace)
        pipeline.start()
        pipeline.wait()
        return pipeline.meters


def _plan(clip: str | Path, target: Path, settings: Settings, endless: bool) -> Plan:
    """The plan for a video of unknown length, as the clip is repeated; for `endless` with encoders for that, too."""
    media = probe(clip)
    plan = make_plan(replace(media, video=replace(media.video, frames=None)), target, settings)
    frames, busy = (None, True) if endless else (media.video.frames, plan.backend == "tensorrt")
    alone = replace(plan.encoding, encoders=1, gop=0, threads=0, waiting=0)
    encoding, note = allocate_encoders(alone, settings, frames, busy)
    notes = plan.notes if note in ("", *plan.notes) else (*plan.notes, note)
    return replace(plan, encoding=encoding, notes=notes, copied=frozenset())


def decoding_stages(plan: Plan, source: Source, trace: Trace | None = None) -> Stage[Any, Any]:
    """Decoder, deinterlacer and rotation, as `plan` says, in one stage; decoders in parallel record their spans."""
    parallel = parallel_decoding(plan.decoder, plan.decoders, plan.settings)
    if parallel is not None:
        parallel = replace(parallel, trace=trace)
    stages: list[Stage[Any, Any]] = [
        Decoder(source, plan.decoded_format, parallel, decoding_gpu(plan)),
        *preprocessing_stages(plan),
    ]
    return Chain(*stages)


@contextlib.contextmanager
def discarded_output(plan: Plan, timer: Stage[Frame, Frame]) -> Iterator[Stage[Any, Any]]:
    """Encoder and sink of a file that is discarded, with `timer` before the encoder, in one stage."""
    with FileSource(plan.media.path) as source, FileSink(plan.target, plan.encoding, source, frozenset()) as sink:
        yield Chain(timer, sink.encoder(plan.encoding.time_base), sink)
