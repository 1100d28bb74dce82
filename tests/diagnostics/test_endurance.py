"""Checks over many frames."""

from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.diagnostics.endurance import measure_endurance

SETTINGS = Settings.load(None, backend="onnx", model="identity", preset="ultrafast")


@pytest.mark.parametrize("encode", [False, True])
def test_every_frame_passes_and_nothing_is_left_over(clip: Path, encode: bool) -> None:
    report = measure_endurance(clip, SETTINGS, 100, encode)
    assert report.frames == report.samples[-1].frames == 100
    assert (report.slots, report.slots_leaked) == (0, 0)
    assert report.threads_after <= report.threads_before + 1
    assert report.threads_most > report.threads_before
    assert (report.encoder is not None) == encode
    assert report.at(1) == report.samples[-1]
    assert report.grown_gpu is None
