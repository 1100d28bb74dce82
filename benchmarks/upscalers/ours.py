"""uprez itself, as `uprez bench` measures it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline import BenchmarkOptions, Settings, StageBenchmark, benchmark
from upscalers.case import Case, Outcome
from upscalers.timing import ENCODER, OPTIONS


def outcome(case: Case) -> Outcome:
    report = benchmark(BenchmarkOptions(_settings(case), case.clip, seconds=case.seconds))
    return Outcome(
        about=f"{report.backend}; encoder {report.encoder}",
        engine=report.row("engine"),
        discarded=report.row("discarded"),
        encoded=report.row("encoded"),
    )


def first_luma(case: Case) -> NDArray[np.uint8]:
    """Luma of the clip's first frame, upscaled: the reference for the peers."""
    with StageBenchmark(case.clip, _settings(case)) as stages:
        luma: NDArray[np.uint8] = stages.upscaled_frames[0].planes[0]
        return luma


def _settings(case: Case) -> Settings:
    backend = {"cuda": "tensorrt", "cpu": "onnx"}[case.device]
    return Settings.load(None, model=case.network, backend=backend, codec=ENCODER, **OPTIONS)
