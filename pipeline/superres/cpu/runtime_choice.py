"""The choice between the runtimes of the CPU backend, by one measurement.

The first time that a model is opened for an image size, each installed runtime runs a textured image; its output is
compared with that of ONNX Runtime on the CPU, and the runs are timed. The choice is cached with the measured rates.
With ONNX Runtime alone, nothing is measured or cached. Without a usable cache folder, each session measures again.
"""

from __future__ import annotations

import logging
import time
from functools import cached_property
from math import inf
from typing import Any

from numpy.typing import NDArray

from pipeline.errors import BackendError, MismatchError, OutputError
from pipeline.flow.fair_lock import FairLock
from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.cpu.choice_cache import (
    MachineFacts,
    RuntimeChoice,
    RuntimeRecord,
    describe_runtime_choice,
    machine_facts,
)
from pipeline.superres.cpu.network import CpuNetwork, NetworkRunner
from pipeline.superres.cpu.runtimes import ONNX_RUNTIME, CpuRuntime, installed_runtimes, requested_runtime
from pipeline.superres.output_check import measure_agreement, textured_image
from pipeline.system.cache import cache_lock

log = logging.getLogger(__name__)

LEAST_DECIBELS = 60.0
"""Required agreement with ONNX Runtime on the CPU. Its kernels and OpenVINO's, in fp32, differ by more than 100 dB."""

_LARGEST = 108, 192  # (H, W) of images that are timed, as `uprez probe` does: larger ones share the choice
_ROUNDS, _SECONDS = 25, 4.0  # runs of each runtime at most, and when no further round is begun
_SHORTEST = 1e-9  # a clock of a coarse step may show that a run took no time


def choose_runtime(
    model: ModelSpec, size: HeightWidth, engine: str = "auto", threads: int = 0, cores: FairLock | None = None
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
    machine = machine_facts(threads)
    race = _Race(model, _timed_size(model, size), threads, cores or FairLock())
    try:
        record = RuntimeRecord(model, race.size, machine)
    except OutputError as error:
        log.warning("the choice of a runtime for %s is not cached: %s", model.name, error)
        choice = race.run(machine)
    else:
        choice = _cached_choice(record, race, requested)
    if requested is None:
        return next((runtime for runtime in installed_runtimes() if runtime.name == choice.winner), ONNX_RUNTIME)
    if reason := choice.failures.get(str(requested)):
        raise BackendError(f"`engine` {engine} can't be used: {reason}; set `engine` to auto")
    return requested


def _cached_choice(record: RuntimeRecord, race: _Race, requested: CpuRuntime | None) -> RuntimeChoice:
    """The choice in `record`; measured and cached if there is none, or none that includes the requested runtime."""
    with cache_lock(record.lock_path):  # measurements by two processes at the same time would disturb each other
        choice = record.read()
        if choice is None or (requested and str(requested) not in choice.rates):
            choice = race.run(record.machine)
            record.write(choice)
    return choice


def _timed_size(model: ModelSpec, size: HeightWidth) -> HeightWidth:
    """The image size, or the largest that is timed if that is smaller."""
    if model.size:
        return model.size
    unit = model.size_multiple
    height, width = (min(length, -(-limit // unit) * unit) for length, limit in zip(size, _LARGEST, strict=True))
    return height, width


class _Race:
    """The measurement of all installed runtimes, in turns.

    Attributes:
        size: (H, W) of the images.
    """

    def __init__(self, model: ModelSpec, size: HeightWidth, threads: int, cores: FairLock) -> None:
        self._model, self.size, self._threads, self._cores = model, size, threads, cores
        self._expected: NDArray[Any] | None = None  # ONNX Runtime's output, which runs first

    @cached_property
    def _image(self) -> NDArray[Any]:
        return textured_image(*self.size, self._model)

    def run(self, machine: MachineFacts) -> RuntimeChoice:
        """Measure, and report the outcome."""
        size = f"{self.size[1]}x{self.size[0]}"
        runtimes = installed_runtimes()
        titles = " with ".join(runtime.title for runtime in runtimes)
        log.warning("comparing %s for %s at %s: some seconds, once", titles, self._model.name, size)
        runners: dict[CpuRuntime, NetworkRunner] = {ONNX_RUNTIME: self._open(ONNX_RUNTIME)}
        failures: dict[str, str] = {}
        for runtime in runtimes[1:]:
            try:
                runners[runtime] = self._open(runtime)
            except (BackendError, MismatchError) as error:
                failures[str(runtime)] = str(error)
        seconds = self._time(runners)
        choice = RuntimeChoice(
            model=self._model.name,
            size=size,
            processor=machine.processor,
            threads=machine.threads,
            versions=machine.versions,
            winner=min(seconds, key=lambda runtime: seconds[runtime]).name,
            rates={str(runtime): 1 / duration for runtime, duration in seconds.items()},
            failures=failures,
        )
        log.warning("%s at %s: %s", self._model.name, size, describe_runtime_choice(choice))
        return choice

    def _open(self, runtime: CpuRuntime) -> NetworkRunner:
        """Load the model in a runtime, and compare its output with that of ONNX Runtime, which is kept.

        Raises:
            BackendError, MismatchError: It fails, or its output is wrong.
        """
        run = CpuNetwork(self._model, self.size, runtime, self._threads, self._cores).runner()
        output = run(self._image)
        if self._expected is None:
            self._expected = output
            return run
        try:
            measure_agreement(output, self._expected, self._model, LEAST_DECIBELS)
        except BackendError as error:
            raise BackendError(f"{runtime.title} is wrong for {self._model.name}: {error}") from error
        return run

    def _time(self, runners: dict[CpuRuntime, NetworkRunner]) -> dict[CpuRuntime, float]:
        """The duration of each runtime's fastest run, in seconds.

        Other work on the machine only makes runs slower, so the fastest is the one that it disturbed least. The
        runtimes run in turns, so that a change of that work affects all of them.
        """
        fastest = dict.fromkeys(runners, inf)
        end = time.monotonic() + _SECONDS
        for _ in range(_ROUNDS):
            for runtime, run in runners.items():
                run(self._image)
                fastest[runtime] = min(fastest[runtime], max(run.seconds, _SHORTEST))
            if time.monotonic() >= end:
                break
        return fastest
