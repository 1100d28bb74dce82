"""Frames and packets of a finished file are counted against those that were written."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media.writing.stream_end import ExpectedEnd
from pipeline.verification.packet_count import check_packets
from tests import clips, remux
from tests.verification import plants
from tests.verification.plants import FRAMES, STEP

SHOWN = np.arange(FRAMES) * STEP / 1000


def times_of(path: Path) -> NDArray[np.float64]:
    return np.array([float(time) for time in clips.video_times(path)])


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_complete_file_has_no_faults(tmp_path: Path, suffix: str) -> None:
    assert check_packets(plants.write(tmp_path / f"out{suffix}"), SHOWN, {}) == []


def test_a_common_shift_is_no_fault(tmp_path: Path) -> None:
    assert check_packets(plants.write(tmp_path / "out.mkv"), SHOWN + 10, {}) == []


def test_rounding_to_a_tick_is_no_fault(tmp_path: Path) -> None:
    odd = SHOWN + np.arange(FRAMES) % 3 / 2500
    assert check_packets(plants.write(tmp_path / "out.mkv"), odd, {}) == []


def test_missing_packets_of_other_streams_are_counted(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "clip.mkv")
    there = len(clips.packets(path, "audio"))
    assert check_packets(path, times_of(path), {1: there}) == []
    (fault,) = check_packets(path, times_of(path), {1: there + 2})
    assert (fault.kind, fault.count) == ("packet-lost", 2)
    assert fault.message == f"stream 1: {there} of {there + 2} packets are present"


def test_a_stream_without_packets_is_reported(tmp_path: Path) -> None:
    path = remux.write_source(tmp_path / "film.mkv")
    assert [f.kind for f in check_packets(path, times_of(path), {1: 4})] == ["packet-lost"]


@pytest.mark.parametrize(
    ("late", "message"),
    [(0, None), (0.001, None), (0.01, "stream 1: ends 10.0 ms too early"), (-0.01, "stream 1: ends 10.0 ms too late")],
)
def test_the_end_of_every_stream_is_in_sync(tmp_path: Path, late: float, message: str | None) -> None:
    path = remux.write_source(tmp_path / "film.mkv", remux.audio_track(remux.make_clicks(), "flac"))
    last = Fraction(remux.contents(path, 1)[-1][0]).limit_denominator(1000)
    end = ExpectedEnd(last + 10 + Fraction(late).limit_denominator(1000), Fraction(0))
    faults = check_packets(path, times_of(path) + 10, {}, {1: end})  # the file may shift all by ten seconds
    assert [(fault.kind, fault.message) for fault in faults] == ([("sync", message)] if message else [])


def test_the_end_of_samples_is_that_of_their_last_packet(tmp_path: Path) -> None:
    samples = np.zeros((1, 2 * remux.RATE), np.int16)
    path = remux.write_source(tmp_path / "film.mkv", remux.audio_track(samples, "pcm_s16le"))
    ends = [{1: ExpectedEnd(Fraction(seconds), Fraction(0), is_divided=True)} for seconds in (2, 3)]
    assert [[fault.kind for fault in check_packets(path, times_of(path), {}, end)] for end in ends] == [[], ["sync"]]


def test_subtitles_may_go_on_and_must_not_end_early(tmp_path: Path) -> None:
    path = remux.write_source(tmp_path / "film.mkv", remux.cues("subrip", (0, 400, b"One"), (900, 400, b"Two")))
    for seconds, kinds in ((0, []), (1, ["sync"])):
        end = ExpectedEnd(Fraction(seconds), Fraction(0), may_go_on=True)
        assert [fault.kind for fault in check_packets(path, times_of(path), {}, {1: end})] == kinds


def test_a_stream_that_has_no_packets_left_does_not_end_in_time(tmp_path: Path) -> None:
    path = remux.write_source(tmp_path / "film.mkv")
    faults = check_packets(path, times_of(path), {}, {1: ExpectedEnd(Fraction(1), Fraction(0))})
    assert [fault.message for fault in faults] == ["stream 1: has no packet with a time"]


@pytest.mark.parametrize(
    ("frames", "kind", "message"),
    [
        ([i for i in range(FRAMES) if i != 9], "frame-lost", "1 frame is missing, the first at 0.360 s (frame 9)"),
        (range(FRAMES - 4), "frame-lost", "4 frames are missing, the first at 0.800 s (frame 20)"),
        ([0], "frame-lost", "23 frames are missing, the first at 0.040 s (frame 1)"),
        (range(FRAMES + 2), "frame-doubled", "2 frames are too many, the first at 0.960 s (frame 24)"),
    ],
)
def test_missing_and_surplus_frames_are_located(tmp_path: Path, frames: list[int], kind: str, message: str) -> None:
    path = plants.write(tmp_path / "out.mkv", frames, [STEP * index for index in frames])
    assert [(f.kind, f.message) for f in check_packets(path, SHOWN, {})] == [(kind, message)]


def test_a_frame_at_another_time_is_located(tmp_path: Path) -> None:
    times = [STEP * index + (3 if index == 9 else 0) for index in range(FRAMES)]
    (fault,) = check_packets(plants.write(tmp_path / "out.mkv", times=times), SHOWN, {})
    assert fault.message == "1 frame is at another time, the first at 0.360 s (frame 9), by up to 3.0 ms"


def test_a_slightly_wrong_rate_is_found(tmp_path: Path) -> None:
    path = plants.write(tmp_path / "out.mkv", times=[41 * index for index in range(FRAMES)])
    assert [f.kind for f in check_packets(path, SHOWN, {})] == ["time"]


def test_an_unreadable_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        check_packets(tmp_path / "nothing.mkv", SHOWN, {})
