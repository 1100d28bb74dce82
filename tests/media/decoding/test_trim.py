"""Excerpts are exact to the frame, with the audio cut to match."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import Frame
from pipeline.media.decoding.frame_reader import FrameReader
from pipeline.media.decoding.trim import Excerpt
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.probe import probe
from pipeline.media.reading.source import Packet
from tests import clips

RATE = Fraction(30)


@pytest.fixture(scope="module", params=[".mp4", ".mkv", ".ts"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds at 30 frames/s with B-frames, open GOPs of one second, and audio; the .mp4 starts at 0.5 s."""
    path = tmp_path_factory.mktemp("clip") / f"clip{request.param}"
    options = {"crf": "20", "bf": "2", "g": "30", "x264-params": "open-gop=1"}
    base = Fraction(1, 15360)
    pts = [7680 + 512 * i for i in range(120)] if request.param == ".mp4" else [512 * i for i in range(120)]
    return clips.make(path, 120, pts=pts, time_base=base, rate=RATE, options=options)


def read_excerpt(
    clip: Path, start: Fraction | None = None, end: Fraction | None = None, frames: int | None = None
) -> tuple[list[int], list[Fraction]]:
    """The indices of the frames in an excerpt, checked by their shades, and the start times of its audio packets."""
    video = probe(clip).video
    excerpt = Excerpt.from_times(video.start_time, video.rate, start, end, frames)
    other_streams = frozenset({1})
    with FileSource(clip, ReadOptions(other_streams, start=excerpt.start if excerpt else None)) as source:
        reader = FrameReader(source, video.format, excerpt, other_streams)
        items = [item for packet in source for item in reader.feed(packet)] + list(reader.finish())
    found = [item for item in items if isinstance(item, Frame)]
    indices = [round(float((frame.pts * video.time_base - video.start_time) * RATE)) for frame in found]
    assert reader.frames == len(found)
    assert [int(frame.planes[0][24, 32]) for frame in found] == pytest.approx(
        [clips.shade(index) for index in indices], abs=3
    )
    return indices, [seconds(item) - video.start_time for item in items if not isinstance(item, Frame)]


def seconds(packet: Packet) -> Fraction:
    assert packet.pts is not None
    assert packet.time_base is not None
    return packet.pts * packet.time_base


@pytest.mark.parametrize(
    ("start", "end", "frames", "first", "count"),
    [
        (Fraction(2), None, None, 60, 60),
        (Fraction("1.967"), None, None, 59, 61),
        (Fraction("1.968"), None, None, 60, 60),
        (None, Fraction(1), None, 0, 30),
        (Fraction("0.5"), Fraction("1.5"), None, 15, 30),
        (None, None, 7, 0, 7),
        (Fraction("3.9"), None, 50, 117, 3),
        (Fraction(1), Fraction(2), 10, 30, 10),
    ],
)
def test_excerpt_has_its_frames_and_the_audio_to_match(
    clip: Path, start: Fraction | None, end: Fraction | None, frames: int | None, first: int, count: int
) -> None:
    indices, audio = read_excerpt(clip, start, end, frames)
    assert indices == list(range(first, first + count))
    _, everything = read_excerpt(clip)
    # Audio at the start needs the packet around it, and the one before.
    begins = Fraction(-1) if start is None else min(first / RATE, start) - 2 * Fraction(1024, 48_000)
    ends = (first + count) / RATE if first + count < 120 else Fraction(9)
    slack = Fraction(1, 1000)
    assert set(audio) <= set(everything)
    assert {time for time in everything if begins + slack <= time < ends - slack} <= set(audio)
    assert all(begins - slack <= time < ends + slack for time in audio)


def test_excerpt_after_the_end_of_the_source_is_empty(clip: Path) -> None:
    assert read_excerpt(clip, start=Fraction(10)) == ([], [])


@given(
    st.integers(0, 10**5), st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30), Fraction(60000, 1001)])
)
def test_rounded_time_of_a_frame_means_that_frame(frame: int, rate: Fraction) -> None:
    exact = frame / rate
    for digits in (3, 6):
        rounded = Fraction(round(exact * 10**digits), 10**digits)
        excerpt = Excerpt.from_times(Fraction(7), rate, rounded, None, None)
        assert excerpt is not None
        assert excerpt.start is not None
        assert excerpt.start <= 7 + exact
        assert excerpt.start > 7 + exact - 1 / rate


def test_request_without_limits_is_no_excerpt() -> None:
    assert Excerpt.from_times(Fraction(0), RATE, None, None, None) is None


@pytest.mark.parametrize(
    ("start", "end", "frames", "total", "expected"),
    [
        (1, 3, None, 300, 60),
        (1, None, None, 300, 270),
        (None, 2, None, None, 60),
        (9, 20, None, 300, 30),
        (1, 3, 7, 300, 7),
        (1, None, None, None, None),
    ],
)
def test_expected_frames_follow_from_the_tightest_limit(
    start: int | None, end: int | None, frames: int | None, total: int | None, expected: int | None
) -> None:
    begins, ends = (None if time is None else Fraction(time) for time in (start, end))
    excerpt = Excerpt.from_times(Fraction(5), RATE, begins, ends, frames)
    assert excerpt is not None
    assert excerpt.expected_frames(total, Fraction(5), RATE) == expected


def test_end_time_is_estimated_from_the_number_of_frames() -> None:
    assert Excerpt(frames=60).end_time(Fraction(5), RATE) == 7
    assert Excerpt(end=Fraction(6), frames=60).end_time(Fraction(5), RATE) == 6
    assert Excerpt(start=Fraction(6)).end_time(Fraction(5), RATE) is None


@given(
    st.fractions(0, 1000, max_denominator=10_000),
    st.sampled_from([Fraction(1, 30), Fraction(1, 1000), Fraction(1, 90_000), Fraction(1001, 24_000)]),
)
def test_the_first_frame_time_is_a_tick_of_the_video_at_or_after_the_start(
    start: Fraction, time_base: Fraction
) -> None:
    time = Excerpt(start).first_frame_time(time_base)
    assert time is not None
    assert (time / time_base).denominator == 1
    if time_base == Fraction(1, 1000):  # whose frames are rounded to the nearest tick
        assert abs(time - start) <= time_base / 2
    else:
        assert start <= time < start + time_base


def test_an_excerpt_from_the_beginning_has_no_first_frame_time() -> None:
    assert Excerpt(end=Fraction(2)).first_frame_time(Fraction(1, 30)) is None
