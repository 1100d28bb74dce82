"""Finds the number of live streams that one machine carries before any of them drops a frame."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from pipeline.config.settings import Settings
from pipeline.diagnostics.simulated_stream import SLOTS, Schedule, SimulatedStream, StreamWorkload
from pipeline.superres.backend_choice import choose_backend, choose_model
from pipeline.superres.session import Session
from pipeline.superres.sessions import SessionRequest, SharedSessions
from pipeline.system import host

_WARM_SECONDS = 1.0  # at the start of a trial, which don't count
_ATTEMPTS = 2  # a trial that fails is repeated before the failure is believed


class CapacityTrial(BaseModel):
    """A number of streams run at the same time for some seconds."""

    streams: int = Field(description="number of streams")
    frames: int = Field(description="frames that were due, of all streams")
    dropped: int = Field(description="frames dropped, of all streams")
    worst: int = Field(description="frames dropped by the stream that dropped most")
    p50: float = Field(description="median delay from due to finished, in seconds")
    p95: float = Field(description="95th percentile of the delay, in seconds")
    p99: float = Field(description="99th percentile of the delay, in seconds")
    rate: float = Field(description="frames finished per second, of all streams")
    cores: float = Field(description="cores that the process kept busy")

    @property
    def held(self) -> bool:
        """Whether no frame was dropped."""
        return self.dropped == 0


class StreamCapacity(BaseModel):
    """The number of streams of one network and workload that the machine carries."""

    model: str = Field(description="name of the network")
    backend: str = Field(description="what ran the network: library, version and device")
    source: str = Field(description="size and pixel format of each stream")
    result: str = Field(description="size and pixel format of upscaled frames")
    decoded: bool = Field(description="each stream decodes H.264")
    preset: str | None = Field(description="preset of x264; null: upscaled frames were discarded")
    holds: int = Field(description="most streams without a frame dropped")
    most: int = Field(description="most streams that were tried")
    trials: list[CapacityTrial] = Field(description="all trials, in order")


def measure_stream_capacity(
    settings: Settings,
    workload: StreamWorkload,
    seconds: float = 8.0,
    most: int = 128,
    on_trial: Callable[[CapacityTrial], None] = lambda _: None,
) -> StreamCapacity:
    """Find the most streams without a dropped frame, by doubling, then bisection.

    Args:
        settings: Model, backend and device.
        workload: What each stream does; they are out of step with each other.
        seconds: Duration of each trial.
        most: Number of streams to try at most.
        on_trial: Called after each trial.

    Raises:
        UprezError: The network or the device can't be used.
    """
    settings = settings.model_copy(update={"slots": SLOTS})
    backend, _ = choose_backend(settings)
    request = SessionRequest(backend, choose_model(settings, backend), workload.format, settings)
    trials: list[CapacityTrial] = []
    with SharedSessions() as shared, ExitStack() as stack:
        sessions: list[Session[Any]] = []

        def holds(streams: int) -> bool:
            while len(sessions) < streams:
                sessions.append(stack.enter_context(shared.open(request)))
            for _ in range(_ATTEMPTS):
                trials.append(_trial(sessions[:streams], workload, seconds))
                on_trial(trials[-1])
                if trials[-1].held:
                    return True
            return False

        held = largest(holds, most)
        return _capacity(sessions[0], workload, held, most, trials)


def _capacity(
    session: Session[Any], workload: StreamWorkload, held: int, most: int, trials: list[CapacityTrial]
) -> StreamCapacity:
    return StreamCapacity(
        model=session.model.name,
        backend=session.backend,
        source=str(session.source),
        result=str(session.output),
        decoded=bool(workload.packets),
        preset=workload.preset,
        holds=held,
        most=most,
        trials=trials,
    )


def largest(holds: Callable[[int], bool], limit: int) -> int:
    """The largest number from 1 to `limit` for which `holds` is true, by doubling, then bisection; 0 if it never is.

    Args:
        holds: True up to some number and false from there on.
    """
    held, failed = 0, limit + 1
    number = 1
    while held + 1 < failed:
        if holds(number):
            held = number
        else:
            failed = number
        number = min(2 * held, limit) if failed > limit and held else (held + failed) // 2
    return held


def _trial(sessions: list[Session[Any]], workload: StreamWorkload, seconds: float) -> CapacityTrial:
    """Run all of `sessions` at the same time, each with a stream of its own."""
    threads = max(1, host.cores() // len(sessions))
    begin = time.monotonic() + 0.2 + 0.01 * len(sessions)  # when all threads have been started
    count_from = begin + _WARM_SECONDS
    offset = float(1 / workload.rate) / len(sessions)
    streams = [
        SimulatedStream(session, workload, threads, Schedule(begin + number * offset, count_from, count_from + seconds))
        for number, session in enumerate(sessions)
    ]
    for stream in streams:
        stream.start()
    time.sleep(max(0.0, count_from - time.monotonic()))
    used, since = time.process_time(), time.monotonic()
    time.sleep(max(0.0, count_from + seconds - time.monotonic()))
    used, since = time.process_time() - used, time.monotonic() - since
    for stream in streams:
        stream.join()
    delays = np.array([delay for stream in streams for delay in stream.delays] or [float("inf")])
    p50, p95, p99 = np.percentile(delays, (50, 95, 99)).tolist()
    return CapacityTrial(
        streams=len(streams),
        frames=sum(stream.frames for stream in streams),
        dropped=sum(stream.dropped for stream in streams),
        worst=max(stream.dropped for stream in streams),
        p50=p50,
        p95=p95,
        p99=p99,
        rate=sum(len(stream.delays) for stream in streams) / seconds,
        cores=used / since,
    )
