"""Verification finds copied audio whose lead-in, which decoders drop, is heard."""

from pathlib import Path

import pytest

from pipeline import upscale, verify
from tests import remux
from tests.verification import plants


@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "libopus"])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_job_keeps_the_lead_in(tmp_path: Path, codec: str, suffix: str) -> None:
    source = remux.write_source(tmp_path / "in.mp4", remux.audio_track(remux.make_clicks(), codec))
    result = upscale(source, tmp_path / f"out{suffix}", model="identity", backend="onnx", preset="ultrafast")
    assert verify(source, result.path).faults == ()


def test_a_lead_in_that_is_heard_is_found(tmp_path: Path) -> None:
    source = remux.write_source(tmp_path / "in.mp4", remux.audio_track(remux.make_clicks(), "aac"))
    heard = plants.copy(source, tmp_path / "out.mkv")  # without Matroska's CodecDelay
    [fault] = [fault for fault in verify(source, heard).faults if "decoding begins" in fault.message]
    assert fault.kind == "sync"
    assert "ms too early" in fault.message
