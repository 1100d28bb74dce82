"""Audio whose packets are shorter than a tick of the source's clock stays in sync with the video to its end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import OutputError, upscale, verify
from pipeline.config.upscale_options import UpscaleOptions
from pipeline.media.writing.container import ContainerFile
from tests.cases import timing
from tests.cases.case import Case
from tests.cases.film import Film, Packets
from tests.verification import plants

FAST: UpscaleOptions = {"model": "identity", "backend": "onnx", "preset": "ultrafast"}


def at(time_of: Callable[[int], int]) -> plants.Change:
    """Return a change of the time of each packet; `time_of`: from its number to its time in milliseconds."""

    def change(packet: Any, number: int) -> Any:
        packet.pts = packet.dts = time_of(number)
        packet.time_base = plants.MS
        return packet

    return change


@pytest.fixture(params=[timing.short_packets, timing.tiny_blocks], ids=lambda case: str(case.name))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    case: Case = request.param
    case.make(tmp_path)
    return tmp_path / case.name


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".nut"])
def test_a_job_keeps_the_times_and_repairs_none(source: Path, tmp_path: Path, suffix: str) -> None:
    result = upscale(source, tmp_path / f"out{suffix}", **FAST)
    assert result.findings == ()
    assert verify(source, result.path).faults == ()


def test_a_millisecond_for_each_packet_is_found(source: Path, tmp_path: Path) -> None:
    stretched = plants.copy(source, tmp_path / "out.mkv", {1: at(lambda number: number)})
    assert plants.kinds(verify(source, stretched)) == ["sync"]


def test_a_job_does_not_end_well_if_audio_in_the_file_ends_late(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mux = ContainerFile.mux

    def mux_late(self: ContainerFile, packet: Any) -> None:
        if packet.stream_index == 1:
            packet.pts = packet.dts = packet.pts * 2
        mux(self, packet)

    monkeypatch.setattr(ContainerFile, "mux", mux_late)
    with pytest.raises(OutputError, match=r"stream 1: ends 1\d\d\d\.\d ms too late"):
        upscale(source, tmp_path / "out.mkv", **FAST)


def grouped(packets: Packets) -> Packets:
    """Give five packets at a time the time of the first, as RealAudio does."""
    for number, packet in enumerate(packets):
        packet.pts = packet.dts = packets[number // 5 * 5].pts
    return packets


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_packets_with_one_time_may_follow_each_other(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "in.mkv"
    with Film(source) as out:
        out.video()
        out.audio(1.2, codec="flac", edit=grouped)
    result = upscale(source, tmp_path / f"out{suffix}", **FAST)
    assert result.findings == ()
    assert verify(source, result.path).faults == ()


def test_packets_with_one_time_must_not_outlast_the_next(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    with Film(source) as out:
        out.video()
        out.audio(1.2, codec="flac", edit=grouped)
    late = plants.copy(source, tmp_path / "out.mkv", {1: at(lambda number: number * 150)})
    assert plants.kinds(verify(source, late)) == ["sync"]
