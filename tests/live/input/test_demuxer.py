"""Packets come in time, in the time base they were promised in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import pytest

from pipeline.errors import InputError
from pipeline.live.input import demuxer
from pipeline.live.input.demuxer import DemuxedSource, Pacer
from pipeline.live.process.messages import SourceRequest
from tests import clips


class Clock:
    """sleeps: how long each packet was held back."""

    def __init__(self) -> None:
        self.now = 10.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(round(seconds, 6))
        self.now += seconds


def packet(seconds: float | None) -> av.Packet:
    made = av.Packet(b"x")
    made.time_base = Fraction(1, 1000)
    made.dts = None if seconds is None else round(seconds * 1000)
    return made


def paced(times: list[float | None], speed: float = 1, late: dict[int, float] | None = None) -> list[float]:
    """For how long packets of these times were held back; those in `late` came so many seconds after the one before."""
    clock = Clock()
    pace = Pacer(Fraction(speed), clock.sleep, clock)
    held = []
    for index, time in enumerate(times):
        clock.now += (late or {}).get(index, 0)
        before = clock.now
        pace.wait(packet(time))
        held.append(round(clock.now - before, 6))
    return held


def test_packets_come_at_the_pace_of_their_clock() -> None:
    assert paced([5, 5.04, 5.08, 5.2]) == [0, 0.04, 0.04, 0.12]


def test_a_playlist_is_read_a_little_faster() -> None:
    assert paced([0, 1.02, 2.04], speed=1.02) == [0, 1, 1]


def test_the_clock_waits_for_what_comes_late() -> None:
    assert paced([0, 0.04, 0.08, 0.12], late={2: 3}) == [0, 0.04, 0, 0.04]


def test_what_is_hardly_late_does_not_move_the_clock() -> None:
    assert paced([0, 0.04, 0.08], late={1: 0.05}) == [0, 0, 0.03]


@pytest.mark.parametrize("jump", [-100.0, 100.0])
def test_a_clock_that_jumps_holds_nothing_back(jump: float) -> None:
    assert paced([0, 0.04, jump, jump + 0.04]) == [0, 0.04, 0, 0.04]


def test_packets_without_a_time_pass() -> None:
    assert paced([0, None, 0.04]) == [0, 0, 0.04]


@contextmanager
def opened(path: Path, **wanted: object) -> Iterator[DemuxedSource]:
    with DemuxedSource(SourceRequest(str(path), **wanted), threading.Event()) as source:  # type: ignore[arg-type]
        yield source


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "flv"])
def test_times_are_those_of_the_streams_handed_on(suffix: str, tmp_path: Path) -> None:
    path = clips.make(tmp_path / f"clip.{suffix}")
    with av.open(str(path)) as container:
        exact = {
            stream.index: [packet.pts * packet.time_base for packet in container.demux(stream) if packet.size]
            for stream in container.streams
            if not container.seek(0)
        }
    with opened(path) as source:
        packets = list(source)
        bases = [stream.time_base or Fraction(1) for stream in source.streams.open().streams]
    for index, times in exact.items():
        come = [packet.pts * bases[index] for packet in packets if packet.stream == index and packet.pts is not None]
        assert len(come) == len(times)
        assert all(abs(one - other) <= bases[index] for one, other in zip(come, times, strict=True))


def test_sound_that_cannot_be_handed_on_is_left_behind_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("alac", rate=48_000, layout="stereo")
        for index in range(5):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = index
            container.mux(video.encode(frame))
            heard = av.AudioFrame("s16p", "stereo", 512)
            heard.sample_rate, heard.pts = 48_000, 512 * index
            container.mux(sound.encode(heard))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    with opened(path) as source:
        assert {packet.stream for packet in source} == {0}
        assert source.notes == ("its alac audio is dropped: the codec is not supported live",)


def test_a_source_of_sound_alone_has_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        heard = av.AudioFrame("s16", "mono", 800)
        heard.sample_rate = 8000
        container.mux(sound.encode(heard))
    with pytest.raises(InputError, match="it has no video"), opened(path):
        pass


def test_a_key_frame_that_comes_late_is_looked_for_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"g": "50", "bf": "0", "sc_threshold": "0"}
    whole = clips.make(tmp_path / "whole.ts", frames=100, sound=False, options=options)
    late = tmp_path / "late.ts"
    late.write_bytes(whole.read_bytes()[188 * 20 :])
    brief = {"analyzeduration": "500000", "probesize": "2000"}
    looks: list[dict[str, str]] = []
    honest = demuxer._open
    monkeypatch.setattr(demuxer, "_open", lambda wanted, options: looks.append(options) or honest(wanted, options))
    with opened(late, format="mpegts", options=brief) as source:
        assert source.streams.open().streams.video[0].width == 64
    assert len(looks) == 2
