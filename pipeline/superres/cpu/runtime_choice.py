"""The choice between the runtimes of the CPU backend, by one measurement.

The first time that a model is opened for an image size, each installed runtime runs a textured image; its output is
compared with that of ONNX Runtime on the CPU, and the runs are timed. The choice is cached with the measured rates.
With ONNX Runtime alone, nothing is measured or cached.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from typing import Any

from filelock import FileLock
from numpy.typing import NDArray

from pipeline.errors import BackendError, MismatchError
from pipeline.flow.fair_lock import FairLock
from pipeline.models.spec import ModelSpec
from pipeline.superres.cpu.choice_cache import (
    RuntimeChoice,
    RuntimeRecord,
    describe_runtime_choice,
    machine_facts,
)
from pipeline.superres.cpu.network import CpuNetwork
from pipeline.superres.cpu.runtimes import ONNX_RUNTIME, CpuRuntime, Size, installed_runtimes, requested_runtime
from pipeline.superres.output_check import measure_agreement, textured_image

log = logging.getLogger(__name__)

LEAST_DECIBELS = 60.0
"""Required agreement with ONNX Runtime on the CPU. Its kernels and OpenVINO's, in fp32, differ by more than 100 dB."""

_LARGEST = 180, 320  # (H, W) of images that are timed: the order of the runtimes is the same for larger ones
_RUNS, _SECONDS = 5, 2.0  # timed runs of each runtime, and when no further one is begun


def choose_runtime(
    model: ModelSpec, size: Size, engine: str = "auto", threads: int = 0, cores: FairLock | None = None
) -> CpuRuntime:
    """Choose the runtime of a model.

    Args:
        model: The network.
        size: (H, W) of the images.
        engine: Name of a runtime; anything else for the fastest that is installed.
        threads: Threads of a run; 0 for one per core.
        cores: Lock that the runs of the measurement acquire; None for a lock of its own.

    Raises:
        BackendError: The requested runtime is not installed, fails, or its output is wrong; or ONNX Runtime fails.
    """
    requested = requested_runtime(engine)
    if requested == ONNX_RUNTIME or len(installed_runtimes()) == 1:
        return ONNX_RUNTIME
    size = _timed_size(model, size)
    record = RuntimeRecord(model, size, machine_facts(threads))
    with FileLock(record.lock_path):  # measurements by two processes at the same time would disturb each other
        choice = record.read()
        if choice is None or (requested and str(requested) not in choice.rates):
            choice = _Race(model, size, threads, cores or FairLock()).run(record)
            record.write(choice)
    if requested is None:
        return next((runtime for runtime in installed_runtimes() if runtime.name == choice.winner), ONNX_RUNTIME)
    if reason := choice.failures.get(str(requested)):
        raise BackendError(f"`engine` {engine} can't be used: {reason}; set `engine` to auto")
    return requested


def _timed_size(model: ModelSpec, size: Size) -> Size:
    """The image size, or the largest that is timed if that is smaller."""
    if model.size:
        return model.size
    unit = model.size_multiple
    height, width = (min(length, -(-limit // unit) * unit) for length, limit in zip(size, _LARGEST, strict=True))
    return height, width


class _Race:
    """The measurement of all installed runtimes, one loaded at a time."""

    def __init__(self, model: ModelSpec, size: Size, threads: int, cores: FairLock) -> None:
        self._model, self._size, self._threads, self._cores = model, size, threads, cores
        self._image = textured_image(*size, model)
        self._expected: NDArray[Any] | None = None  # ONNX Runtime's output, which runs first

    def run(self, record: RuntimeRecord) -> RuntimeChoice:
        """Measure, and report the outcome."""
        size = f"{self._size[1]}x{self._size[0]}"
        runtimes = installed_runtimes()
        titles = " with ".join(runtime.title for runtime in runtimes)
        log.warning("comparing %s for %s at %s: some seconds, once", titles, self._model.name, size)
        seconds: dict[CpuRuntime, float] = {ONNX_RUNTIME: self._measure(ONNX_RUNTIME)}
        failures: dict[str, str] = {}
        for runtime in runtimes[1:]:
            try:
                seconds[runtime] = self._measure(runtime)
            except (BackendError, MismatchError) as error:
                failures[str(runtime)] = str(error)
        choice = RuntimeChoice(
            model=self._model.name,
            size=size,
            processor=record.machine.processor,
            threads=record.machine.threads,
            versions=record.machine.versions,
            winner=min(seconds, key=lambda runtime: seconds[runtime]).name,
            rates={str(runtime): 1 / duration for runtime, duration in seconds.items()},
            failures=failures,
        )
        log.warning("%s at %s: %s", self._model.name, size, describe_runtime_choice(choice))
        return choice

    def _measure(self, runtime: CpuRuntime) -> float:
        """Load, check and time a runtime. Returns the duration of its fastest run, in seconds.

        Other work on the machine can only make runs slower, so the fastest is the one that it disturbed least.
        """
        network = CpuNetwork(self._model, self._size, runtime, self._threads, self._cores)
        with closing(network.runner()) as run:
            self._check(runtime, run(self._image))
            durations: list[float] = []
            end = time.monotonic() + _SECONDS
            while len(durations) < _RUNS and (not durations or time.monotonic() < end):
                run(self._image)
                durations.append(run.seconds)
        return max(min(durations), 1e-9)  # a clock of a coarse step may show none

    def _check(self, runtime: CpuRuntime, output: NDArray[Any]) -> None:
        """Compare a runtime's output with that of ONNX Runtime, which is kept. Raises BackendError."""
        if self._expected is None:
            self._expected = output
            return
        try:
            measure_agreement(output, self._expected, self._model, LEAST_DECIBELS)
        except BackendError as error:
            raise BackendError(f"{runtime.title} is wrong for {self._model.name}: {error}") from error
