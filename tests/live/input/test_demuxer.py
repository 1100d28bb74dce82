"""The demuxer of live sources: pace, time bases, streams."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from pipeline.errors import InputError
from pipeline.live.input.demuxer import DemuxedSource, Pacer
from pipeline.live.process.messages import SourceRequest
from tests import clips
from tests.clock import Clock


def packet_with(seconds: float | None) -> av.Packet[Any]:
    packet_at: av.Packet[Any] = av.Packet(b"x")
    packet_at.time_base = Fraction(1, 1000)
    packet_at.dts = None if seconds is None else round(seconds * 1000)
    return packet_at


def paced(times: list[float | None], speed: float = 1, late: dict[int, float] | None = None) -> list[float]:
    """The delays of packets with these times. late: seconds that packets come after the one before, by index."""
    clock = Clock(10.0)
    pacer = Pacer(Fraction(speed), clock.sleep, clock)
    delays = []
    for index, time in enumerate(times):
        clock.now += (late or {}).get(index, 0)
        before = clock.now
        pacer.wait(packet_with(time))
        delays.append(round(clock.now - before, 6))
    return delays


def test_packets_come_at_the_pace_of_their_timestamps() -> None:
    assert paced([5, 5.04, 5.08, 5.2]) == [0, 0.04, 0.04, 0.12]


def test_a_playlist_is_read_a_little_faster() -> None:
    assert paced([0, 1.02, 2.04], speed=1.02) == [0, 1, 1]


def test_the_clock_waits_for_late_packets() -> None:
    assert paced([0, 0.04, 0.08, 0.12], late={2: 3}) == [0, 0.04, 0, 0.04]


def test_slightly_late_packets_do_not_move_the_clock() -> None:
    assert paced([0, 0.04, 0.08], late={1: 0.05}) == [0, 0, 0.03]


@pytest.mark.parametrize("jump", [-100.0, 100.0])
def test_a_jump_of_timestamps_does_not_delay_the_output(jump: float) -> None:
    assert paced([0, 0.04, jump, jump + 0.04]) == [0, 0.04, 0, 0.04]


def test_packets_without_a_timestamp_are_not_delayed() -> None:
    assert paced([0, None, 0.04]) == [0, 0, 0.04]


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[DemuxedSource]:
    with DemuxedSource(SourceRequest(str(path), **options), threading.Event()) as source:
        yield source


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "flv"])
def test_timestamps_are_in_the_time_bases_of_the_header(suffix: str, tmp_path: Path) -> None:
    path = clips.make(tmp_path / f"clip.{suffix}")
    with av.open(str(path)) as container:
        exact: dict[int, list[Fraction]] = {stream.index: [] for stream in container.streams}
        for packet in container.demux():
            if packet.size and packet.pts is not None:
                exact[packet.stream_index].append(packet.pts * packet.time_base)
    with opened(path) as source:
        packets = list(source)
        with source.streams.open() as header:
            bases = [stream.time_base or Fraction(1) for stream in header.streams]
    for index, times in exact.items():
        times_read = [
            packet.pts * bases[index] for packet in packets if packet.stream == index and packet.pts is not None
        ]
        assert len(times_read) == len(times)
        assert all(abs(one - other) <= bases[index] for one, other in zip(times_read, times, strict=True))


def test_audio_that_can_not_be_passed_on_is_dropped_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("alac", rate=48_000, layout="stereo")
        for index in range(5):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = index
            container.mux(video.encode(frame))
            samples = av.AudioFrame("s16p", "stereo", 512)
            samples.sample_rate, samples.pts = 48_000, 512 * index
            container.mux(audio.encode(samples))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    with opened(path) as source:
        assert {packet.stream for packet in source} == {0}
        assert source.notes == ("its alac audio is dropped: the codec is not supported live",)


def test_a_source_without_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audio.wav"
    with av.open(str(path), "w") as container:
        audio = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        samples = av.AudioFrame("s16", "mono", 800)
        samples.sample_rate = 8000
        container.mux(audio.encode(samples))
    with pytest.raises(InputError, match="it has no video"), opened(path):
        pass


def test_a_late_key_frame_leads_to_a_longer_analysis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"g": "50", "bf": "0", "sc_threshold": "0"}
    whole = clips.make(tmp_path / "whole.ts", frames=100, audio=False, options=options)
    late = tmp_path / "late.ts"
    late.write_bytes(whole.read_bytes()[188 * 20 :])
    short = {"analyzeduration": "500000", "probesize": "2000"}
    analyses: list[str] = []
    real_open = av.open

    def recording(file: Any, *args: Any, **options: Any) -> Any:
        if file == str(late):
            analyses.append(options["container_options"]["analyzeduration"])
        return real_open(file, *args, **options)

    monkeypatch.setattr(av, "open", recording)
    with opened(late, format="mpegts", options=short) as source, source.streams.open() as header:
        assert header.streams.video[0].width == 64
    assert analyses == ["500000", "5000000"]
