"""Routes of packets: contents unchanged, timestamps shifted as requested and repaired where necessary."""

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.reading.source import Packet
from pipeline.media.writing.stream_copy import AudioCopyRoute, CopyRoute, RewriteRoute, VideoCopyRoute

MILLISECONDS = Fraction(1, 1000)
RATE = 48_000
TIMES = st.none() | st.integers(-1000, 100_000)


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with av.open(str(tmp_path_factory.mktemp("routes") / "a.mkv"), "w") as container:
        container.add_stream("aac", rate=48_000)
        container.add_mux_stream("subrip", time_base=MILLISECONDS)
        yield container.streams


@pytest.fixture(scope="module")
def mp4_audio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An audio stream of a container in which times have to differ, and that counts samples."""
    with av.open(str(tmp_path_factory.mktemp("routes") / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=RATE)
        container.start_encoding()
        yield stream


def packet(pts: int | None, dts: int | None, duration: int = 0, content: bytes = b"x") -> Packet:
    packet: Packet = av.Packet(content)
    packet.time_base, packet.pts, packet.dts, packet.duration = MILLISECONDS, pts, dts, duration
    return packet


@given(times=st.lists(st.tuples(TIMES, TIMES), max_size=20), shift=st.integers(-500, 500))
def test_decoding_times_always_advance(
    streams: Any, mp4_audio: Any, times: list[tuple[int | None, int | None]], shift: int
) -> None:
    for stream, least in ((streams[0], 0), (mp4_audio, 1)):
        route = CopyRoute(stream, Fraction(shift, 1000))
        copies = [copy for pts, dts in times for copy in route.feed(packet(pts, dts))]
        assert len(copies) == len(times)
        dts = [copy.dts for copy in copies if copy.dts is not None]
        assert len(dts) == len(times)
        assert all(b - a >= least for a, b in itertools.pairwise(dts))
        assert all(copy.pts is not None and copy.duration for copy in copies)


@pytest.mark.parametrize(("stated", "expected"), [(104, 64), (64, 64), (30, 30), (0, 64)])
def test_a_packet_of_samples_lasts_no_longer_than_its_samples(tmp_path: Path, stated: int, expected: int) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("pcm_s24le", rate=16_000, layout="stereo")
        route = CopyRoute(stream, Fraction(0))
        (copy,) = route.feed(packet(1896, 1896, stated, bytes(1024 * 6)))
        container.start_encoding()
    assert (copy.duration or 0) * copy.time_base == Fraction(expected, 1000)
    assert route.end is not None
    assert route.end.time == Fraction(1896 + expected, 1000)


SHORT = Fraction(40, RATE)  # seconds: a TrueHD packet
given_short_packets = given(
    duration=st.sampled_from([SHORT, Fraction(16, RATE), Fraction(1, 1500)]), count=st.integers(2, 3000)
)


@given_short_packets
def test_packets_shorter_than_a_tick_share_its_times_where_the_container_allows_it(
    streams: Any, duration: Fraction, count: int
) -> None:
    route = AudioCopyRoute(streams[0], Fraction(0), duration)
    times = [round(index * duration * 1000) for index in range(count)]
    assert [copy.pts for copy in copy_all(route, times)] == times
    assert route.repaired == 0


@given_short_packets
def test_packets_shorter_than_a_tick_are_at_most_a_tick_late_where_times_have_to_differ(
    mp4_audio: Any, duration: Fraction, count: int
) -> None:
    route = AudioCopyRoute(mp4_audio, Fraction(0), duration)
    times = [round(index * duration * 1000) for index in range(count)]
    copies = copy_all(route, times)
    dts = [copy.dts or 0 for copy in copies]
    assert all(a < b for a, b in itertools.pairwise(dts))
    late = [at - time * MILLISECONDS for at, time in zip(seconds(copies), times, strict=True)]
    assert min(late) >= 0
    assert max(late) <= MILLISECONDS
    assert route.repaired == 0


def test_many_packets_with_one_time_follow_each_other_where_times_have_to_differ(mp4_audio: Any) -> None:
    route = AudioCopyRoute(mp4_audio, Fraction(0), Fraction(20, 1000))
    copies = copy_all(route, [0, 0, 0, 60, 60, 60])
    assert [float(at) for at in seconds(copies)] == [0, 0.02, 0.04, 0.06, 0.08, 0.1]
    assert route.repaired == 0


def test_one_doubled_time_does_not_delay_what_follows(mp4_audio: Any) -> None:
    route = AudioCopyRoute(mp4_audio, Fraction(0), Fraction(20, 1000))
    copies = copy_all(route, [0, 20, 20, 40, 60])
    assert [round(float(at), 3) for at in seconds(copies)] == [0, 0.02, 0.04, 0.04, 0.06]


def seconds(copies: list[Packet]) -> list[Fraction]:
    return [(copy.pts or 0) * copy.time_base for copy in copies]


def copy_all(route: AudioCopyRoute, times: list[int]) -> list[Packet]:
    copies = [copy for time in times for copy in route.feed(packet(time, time))]
    return [*copies, *route.finish()]


@given(steps=st.lists(st.integers(1, 50), max_size=20), shift=st.integers(-500, 500))
def test_advancing_times_are_kept_to_the_tick(streams: Any, steps: list[int], shift: int) -> None:
    route, at, wanted, times = CopyRoute(streams[0], Fraction(shift, 1000)), 0, [], []
    for step in steps:
        at += step
        wanted.append((at + 3 + shift, at + shift, step))
        times += [(copy.pts, copy.dts, copy.duration) for copy in route.feed(packet(at + 3, at, step))]
    assert times == wanted
    assert route.repaired == 0


def test_packets_without_times_get_consecutive_ones(streams: Any) -> None:
    route = CopyRoute(streams[0], Fraction(1), Fraction(20, 1000))
    times = [copy.pts for _ in range(4) for copy in route.feed(packet(None, None))]
    assert times == [1000, 1020, 1040, 1060]
    assert route.repaired == 4


def test_a_missing_duration_is_that_of_the_stream_or_of_the_packet_before(streams: Any) -> None:
    known, unknown = (CopyRoute(streams[0], Fraction(0), step) for step in (Fraction(21, 1000), Fraction(0)))
    for route, last in ((known, 21), (unknown, 30)):
        assert [copy.duration for at in (0, 30) for copy in route.feed(packet(at, at))][-1] == last


def test_subtitles_may_begin_at_the_same_time(streams: Any) -> None:
    route = CopyRoute(streams[1], Fraction(0))
    assert [copy.pts for at in (5, 5, 4) for copy in route.feed(packet(at, at))] == [5, 5, 5]
    assert route.repaired == 1


def test_a_packet_rewritten_to_nothing_is_dropped(streams: Any) -> None:
    route = RewriteRoute(streams[1], Fraction(1, 2), lambda content: content.strip().upper())
    copies = [m for text in (b" ", b"a") for m in route.feed(packet(100, 100, 50, text))]
    assert [(bytes(m), m.pts, m.duration, m.is_keyframe) for m in copies] == [(b"A", 600, 50, True)]


def copy_audio(streams: Any, *times: int | None, duration: int = 20) -> tuple[list[int | None], AudioCopyRoute]:
    route = AudioCopyRoute(streams[0], Fraction(0))
    copies = [copy for dts in times for copy in route.feed(packet(dts, dts, duration))]
    return [copy.dts for copy in [*copies, *route.finish()]], route


def test_a_single_late_audio_timestamp_is_repaired(streams: Any) -> None:
    times, route = copy_audio(streams, 0, 20, 65_000, 60, 80)
    assert times == [0, 20, 40, 60, 80]
    assert (route.repaired, route.damaged) == (1, 0)


def test_overlapping_audio_is_dropped(streams: Any) -> None:
    times, route = copy_audio(streams, 0, 20, 40, 60, 30, 50, 70, 90)
    assert times == [0, 20, 40, 60, 70, 90]
    assert (route.repaired, route.damaged) == (0, 2)


def test_audio_after_a_clock_that_jumped_back_is_kept(streams: Any) -> None:
    times, route = copy_audio(streams, *range(100_000, 100_200, 20), *range(0, 8000, 20))
    assert route.damaged == 100
    assert len(times) == 10 + 400 - 100


def test_packets_that_share_a_tick_of_a_coarse_clock_stay_together(streams: Any) -> None:
    route, tick = CopyRoute(streams[0], Fraction(0)), Fraction(1, 25)
    copies = []
    for dts in (0, 0, 0, 1, 1):
        given = packet(dts, dts, 1)
        given.time_base = tick
        copies += list(route.feed(given))
    times = [float((each.dts or 0) * each.time_base) for each in copies]
    assert times == pytest.approx([0, 0, 0, 0.04, 0.04], abs=0.001)
    assert route.repaired == 0


def test_missing_first_decoding_times_are_extrapolated_backwards(streams: Any) -> None:
    route = VideoCopyRoute(streams[0], Fraction(0))
    given = [packet(0, None, 40), packet(160, None, 40), packet(80, 0, 40), packet(40, 40, 40)]
    copies = [each for one in given for each in route.feed(one)]
    assert [(each.pts, each.dts) for each in copies] == [(0, -80), (160, -40), (80, 0), (40, 40)]
    assert route.repaired == 0


def test_a_short_video_without_decoding_times_is_written_at_the_end(streams: Any) -> None:
    route = VideoCopyRoute(streams[0], Fraction(0))
    assert list(route.feed(packet(0, None, 40))) == []
    assert [each.pts for each in route.finish()] == [0]
