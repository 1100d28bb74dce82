"""Checks over many frames that memory, threads and slots don't grow and the rate doesn't fall.

A clip is decoded repeatedly (its file is opened each time), submitted, collected, and discarded or encoded, in the
threads of a job. Memory is flat if the largest sample after a tenth of the frames is not above the first one there by
more than 1 %, or 16 MiB. Threads are counted before and after the run, with the session open both times. A slot that
is not free at the end has leaked.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import time
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, Field

from pipeline.config.settings import Settings
from pipeline.diagnostics.host_facts import HostFacts, host_facts
from pipeline.diagnostics.stage_benchmark import StageBenchmark, Stages, decoding_stages, discarded_output
from pipeline.diagnostics.timing import FrameTimer, RestampFrames, endless_packets
from pipeline.files.components import open_source, queue_weight
from pipeline.files.plan import Plan
from pipeline.flow.pipeline import Pipeline
from pipeline.flow.stage import Chain
from pipeline.superres.stages import Collect, Submit
from pipeline.system.cuda import Gpu

_SAMPLE_SECONDS = 0.5
_WARM_SHARE = 0.1  # of the frames, in which queues and caches fill: growth is measured after them
_FLAT_SHARE, _FLAT_BYTES = 0.01, 16 * 2**20


class EnduranceSample(BaseModel):
    """The process at one moment."""

    frames: int = Field(description="frames finished so far")
    seconds: float = Field(description="time since the start")
    rss: int = Field(description="resident memory of the process in bytes")
    gpu: int | None = Field(description="GPU memory in use, by any process, in bytes; null: no GPU is used")
    threads: int = Field(description="threads of the process")


class EnduranceReport(HostFacts):
    """One run of `measure_endurance`."""

    clip: str = Field(description="name of the clip's file")
    model: str = Field(description="name, scale and precision of the network")
    backend: str = Field(description="what ran the network: library, version and device")
    source: str = Field(description="size and pixel format of the clip")
    result: str = Field(description="size and pixel format of upscaled frames")
    encoder: str | None = Field(description="codec and options; null: upscaled frames were discarded")
    frames: int = Field(description="frames finished")
    seconds: float = Field(description="time from the start to the last of them")
    rate: float = Field(description="frames per second, after a tenth of them")
    cpu: float = Field(description="milliseconds of processor time per frame, of the submit and upscale threads")
    grown_rss: int = Field(description="growth of resident memory after a tenth of the frames, in bytes")
    grown_gpu: int | None = Field(description="growth of GPU memory after a tenth of the frames, in bytes")
    flat: bool = Field(description="neither grew by more than 1 % and 16 MiB")
    threads_before: int = Field(description="threads before the run, with the session open")
    threads_most: int = Field(description="most threads during the run")
    threads_after: int = Field(description="threads after the run, with the session open")
    slots: int = Field(description="slots of the session; 0 if it has none")
    slots_leaked: int = Field(description="slots that are not free at the end")
    samples: list[EnduranceSample]

    def at(self, share: float) -> EnduranceSample:
        """The first sample at which this share of the frames was finished."""
        return next(sample for sample in self.samples if sample.frames >= share * self.frames)


def measure_endurance(clip: str | Path, settings: Settings, frames: int, encode: bool = False) -> EnduranceReport:
    """Run many frames through a job's pipeline and watch the process.

    Args:
        clip: A video; it is read repeatedly.
        settings: As for `upscale`.
        frames: Number of frames.
        encode: Encode upscaled frames into a file, which is discarded; else they are discarded.

    Raises:
        UprezError: As `upscale`.
    """
    with StageBenchmark(clip, settings) as stages:
        plan, session = stages.plan, stages.session
        on_gpu = plan.backend == "tensorrt"
        _ = stages.upscaled_frames  # what is created at first use exists after this
        before = _threads()
        samples, cpu = _run(stages, frames, encode, [Gpu(number) for number in plan.settings.device] if on_gpu else [])
        gc.collect()
        slots, free = session.slots
        return EnduranceReport(
            **host_facts(plan.settings.device if on_gpu else ()).model_dump(),
            clip=plan.media.path.name,
            model=str(plan.model),
            backend=session.backend,
            source=str(session.source),
            result=str(session.output),
            encoder=_describe_encoder(plan) if encode else None,
            frames=samples[-1].frames,
            seconds=samples[-1].seconds,
            cpu=1000 * cpu / samples[-1].frames,
            threads_before=before,
            threads_most=max(sample.threads for sample in samples),
            threads_after=_threads(),
            slots=slots,
            slots_leaked=slots - free,
            samples=samples,
            **_growth(samples),
        )


class _Sampler:
    """Takes samples of this process, at most two a second."""

    def __init__(self, timer: FrameTimer, gpus: list[Gpu]) -> None:
        self._timer, self._gpus = timer, gpus
        self._process = psutil.Process()
        self._began = time.perf_counter()
        self.samples: list[EnduranceSample] = []

    def tick(self) -> None:
        if not self.samples or time.perf_counter() - self._began - self.samples[-1].seconds >= _SAMPLE_SECONDS:
            self.sample()

    def sample(self) -> None:
        used = [gpu.facts.memory - gpu.free_memory for gpu in self._gpus]
        self.samples.append(
            EnduranceSample(
                frames=self._timer.frames,
                seconds=time.perf_counter() - self._began,
                rss=self._process.memory_info().rss,
                gpu=sum(used) if used else None,
                threads=self._process.num_threads(),
            )
        )


def _run(stages: StageBenchmark, frames: int, encode: bool, gpus: list[Gpu]) -> tuple[list[EnduranceSample], float]:
    """Run the pipeline. Returns its samples, and seconds of processor time between decoder and output."""
    plan, session = stages.plan, stages.session
    timer = FrameTimer(plan, discard=not encode)
    output = discarded_output(plan, timer) if encode else contextlib.nullcontext(timer)
    with open_source(plan) as source, output as last:
        parts: Stages = {
            "decode": Chain(decoding_stages(plan, source), RestampFrames(plan)),
            "submit": Submit(session),
            "upscale": Collect(session),
            "encode" if encode else "discard": last,
        }
        packets = itertools.islice(endless_packets(source.path), frames)
        pipeline = Pipeline(packets, parts, plan.settings.queue, queue_weight)
        sampler = _Sampler(timer, gpus)
        pipeline.start()
        pipeline.wait(sampler.tick)
        sampler.sample()
        return sampler.samples, sum(meter.cpu for meter in pipeline.meters if meter.name in ("submit", "upscale"))


def _growth(samples: list[EnduranceSample]) -> dict[str, Any]:
    """Growth of memory after the warm-up, whether that is flat, and the rate since then."""
    last = samples[-1]
    warm = [sample for sample in samples if sample.frames >= _WARM_SHARE * last.frames]
    first = warm[0] if len(warm) > 1 else samples[0]
    grown_rss = max(sample.rss for sample in warm) - first.rss
    grown_gpu = None if first.gpu is None else max(sample.gpu or 0 for sample in warm) - first.gpu
    flat = _is_flat(grown_rss, first.rss) and _is_flat(grown_gpu or 0, first.gpu or 0)
    if first is last:  # the run ended before a sample was due
        rate = last.frames / last.seconds
    else:
        rate = (last.frames - first.frames) / (last.seconds - first.seconds)
    return {"grown_rss": grown_rss, "grown_gpu": grown_gpu, "flat": flat, "rate": rate}


def _is_flat(growth: int, size: int) -> bool:
    return growth <= max(_FLAT_SHARE * size, _FLAT_BYTES)


def _threads() -> int:
    return psutil.Process().num_threads()


def _describe_encoder(plan: Plan) -> str:
    options = " ".join(f"{key}={value}" for key, value in plan.encoding.options.items())
    return f"{plan.encoding.codec} {options}, {plan.encoding.encoders} in parallel"
