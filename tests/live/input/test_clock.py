"""The clock of a live stream: it never goes back, and a gap is as long as it was."""

import itertools
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.live.input.clock import TICKS, TIME_BASE, LiveClock

MILLI = Fraction(1, 1000)
STEP = TICKS // 25


def show(clock: LiveClock, count: int, pts: int, at: float) -> list[int]:
    """The timestamps of `count` frames of a steady source, the first with `pts`, read `at`."""
    return [clock.frame(pts + index * STEP, TIME_BASE, at + index / 25) for index in range(count)]


def test_the_first_frame_is_at_zero_and_distances_are_kept() -> None:
    clock = LiveClock()
    assert show(clock, 4, pts=987_654_321, at=50.0) == [0, STEP, 2 * STEP, 3 * STEP]
    assert clock.jumps == 0


def test_timestamps_in_other_time_bases_are_converted_to_ticks() -> None:
    clock = LiveClock()
    assert [clock.frame(pts, MILLI, pts / 1000) for pts in (7, 40, 73, 107)] == [0, 2970, 5940, 9000]


def test_a_gap_is_as_long_as_the_time_between_the_arrivals() -> None:
    clock = LiveClock()
    *_, last = show(clock, 10, pts=0, at=0.0)
    clock.connect()
    after = show(clock, 3, pts=5_000_000, at=9 / 25 + 12.5)
    assert [time - last for time in after] == [12.5 * TICKS, 12.5 * TICKS + STEP, 12.5 * TICKS + 2 * STEP]


def test_a_connection_that_follows_at_once_continues_one_frame_later() -> None:
    clock = LiveClock()
    *_, last = show(clock, 10, pts=0, at=0.0)
    clock.connect()
    assert clock.frame(0, TIME_BASE, 9 / 25) == last + STEP


def test_the_backlog_of_a_first_connection_keeps_its_distances() -> None:
    clock = LiveClock()
    times = [clock.frame(index * STEP, TIME_BASE, 3.0) for index in range(50)]
    assert times == [index * STEP for index in range(50)]
    assert clock.jumps == 0


@pytest.mark.parametrize("backlog", [0, 1, 3, 5, 50, 250])
def test_the_backlog_of_each_reconnection_does_not_delay_the_output(backlog: int) -> None:
    clock, now, ahead = LiveClock(), 100.0, []
    for connection in range(40):
        clock.connect()
        pts = connection * 10**8
        burst = [clock.frame(pts + index * STEP, TIME_BASE, now) for index in range(backlog)]
        live = show(clock, 250, pts + backlog * STEP, now)
        assert {b - a for a, b in itertools.pairwise(live[100:])} == {STEP}
        assert all(b - a >= TICKS // 1000 for a, b in itertools.pairwise([*burst, *live]))
        now += 249 / 25
        ahead.append(live[-1] - now * TICKS)
        now += 4.5
    assert all(abs(each - ahead[0]) <= 0.3 * TICKS for each in ahead)
    assert clock.jumps == 0


@pytest.mark.parametrize("jump", [-(1 << 33), -STEP * 100, -1 - STEP, 40 * TICKS], ids=str)
def test_a_jump_of_timestamps_is_counted_and_the_output_continues(jump: int) -> None:
    clock = LiveClock()
    *_, last = show(clock, 10, pts=1 << 33, at=0.0)
    after = show(clock, 3, pts=(1 << 33) + 10 * STEP + jump, at=10 / 25)
    assert [time - last for time in after] == pytest.approx([STEP, 2 * STEP, 3 * STEP], abs=1)
    assert clock.jumps == 1


def test_a_pause_of_the_source_is_not_a_jump() -> None:
    clock = LiveClock()
    clock.frame(0, TIME_BASE, 0.0)
    assert clock.frame(30 * TICKS, TIME_BASE, 29.5) == 30 * TICKS
    assert clock.jumps == 0


def test_frames_without_and_with_timestamps_follow_each_other() -> None:
    clock = LiveClock()
    times = [clock.frame(pts, TIME_BASE, 0.0) for pts in (None, 700_000, 700_000 + STEP, None, 700_000 + 3 * STEP)]
    assert times == [0, STEP, 2 * STEP, 3 * STEP, 4 * STEP]
    assert clock.jumps == 0


def test_timestamps_older_than_frames_without_timestamps_are_a_jump() -> None:
    clock = LiveClock()
    *_, last = show(clock, 10, pts=0, at=0.0)
    assert clock.frame(None, TIME_BASE, 9 / 25 + 8.0) == last + 8 * TICKS
    after = show(clock, 3, pts=10 * STEP, at=10 / 25 + 8.0)
    assert [time - last - 8 * TICKS for time in after] == pytest.approx([STEP, 2 * STEP, 3 * STEP], abs=1)
    assert clock.jumps == 1


def test_frames_with_equal_timestamps_are_a_millisecond_apart() -> None:
    clock = LiveClock()
    assert [clock.frame(pts, TIME_BASE, 0.0) for pts in (0, STEP, STEP, 2 * STEP)] == [0, STEP, STEP + 90, 2 * STEP]


class TestAudio:
    RATE = Fraction(1, 48_000)

    def test_audio_is_shifted_as_much_as_its_video(self) -> None:
        clock = LiveClock()
        clock.frame(10 * TICKS, TIME_BASE, 0.0)
        assert clock.audio(1, 10 * 48_000 + 1024, self.RATE, 0.0) == -10 * 48_000

    def test_distances_of_audio_are_kept_to_the_sample(self) -> None:
        clock = LiveClock()
        clock.frame(12_345, TIME_BASE, 0.0)
        times = [6584 + 1024 * index for index in range(100)]
        shifts = {clock.audio(1, time, self.RATE, 0.1 + index / 50) for index, time in enumerate(times)}
        assert shifts == {-6584}

    def test_audio_is_dropped_before_the_first_frame(self) -> None:
        clock = LiveClock()
        assert clock.audio(1, 0, self.RATE, 0.0) is None
        clock.frame(0, TIME_BASE, 0.0)
        clock.connect()
        assert clock.audio(1, 4800, self.RATE, 0.1) is None

    def test_audio_is_dropped_if_it_is_older_than_audio_already_sent(self) -> None:
        clock = LiveClock()
        clock.frame(0, TIME_BASE, 0.0)
        assert clock.audio(1, 4800, self.RATE, 0.1) == 0
        assert clock.audio(1, 4800, self.RATE, 0.1) is None
        assert clock.audio(2, 4800, self.RATE, 0.1) == 0

    def test_audio_that_jumps_before_its_video_is_dropped_until_the_video_jumps(self) -> None:
        clock = LiveClock()
        clock.frame(0, TIME_BASE, 0.0)
        hour = 3600
        assert clock.audio(1, hour * 48_000, self.RATE, 0.04) is None
        clock.frame(hour * TICKS, TIME_BASE, 0.04)
        assert clock.audio(1, hour * 48_000 + 1024, self.RATE, 0.08) is not None

    def test_audio_continues_between_the_frames_of_a_slow_camera(self) -> None:
        clock = LiveClock()
        clock.frame(0, TIME_BASE, 0.0)
        assert clock.audio(1, 40 * 48_000, self.RATE, 40.0) == 0


@dataclass(frozen=True)
class Steady:
    """A connection: seconds of the gap before it, first timestamp, distance of its frames, number of frames."""

    gap: float
    pts: int
    step: int
    frames: int


STEADY = st.builds(
    Steady,
    gap=st.floats(0, 100),
    pts=st.integers(-(1 << 33), 1 << 33),
    step=st.integers(900, TICKS),
    frames=st.integers(1, 6),
)


@given(connections=st.lists(STEADY, min_size=1, max_size=6))
def test_steady_connections_keep_distances_and_gaps(connections: list[Steady]) -> None:
    clock, now, last = LiveClock(), 0.0, None
    for each in connections:
        clock.connect()
        now += each.gap
        times = [
            clock.frame(each.pts + n * each.step, TIME_BASE, now + n * each.step / TICKS) for n in range(each.frames)
        ]
        assert {b - a for a, b in itertools.pairwise(times)} <= {each.step}
        if last is not None:
            assert -1 <= times[0] - last - each.gap * TICKS <= STEP + 1
        last, now = times[-1], now + (each.frames - 1) * each.step / TICKS
    assert clock.jumps == 0


EVENT = st.one_of(
    st.just("connect"),
    st.tuples(st.none() | st.integers(-(1 << 34), 1 << 34) | st.integers(0, 1000), st.floats(0, 50)),
)


@given(events=st.lists(EVENT, max_size=40), time_base=st.sampled_from([TIME_BASE, MILLI, Fraction(1, 25)]))
def test_frames_and_audio_never_go_back(events: list[object], time_base: Fraction) -> None:
    clock, now = LiveClock(), 0.0
    times: list[int] = []
    heard: list[int] = []
    for event in events:
        if not isinstance(event, tuple):
            clock.connect()
            continue
        pts, passed = event
        now += passed
        times.append(clock.frame(pts, time_base, now))
        if pts is not None and (shift := clock.audio(1, pts, time_base, now)) is not None:
            heard.append(pts + shift)
    assert all(b - a >= TICKS // 1000 for a, b in itertools.pairwise(times))
    assert all(a < b for a, b in itertools.pairwise(heard))
