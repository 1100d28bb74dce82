"""Parts of a source, exact to the frame, the sound cut to match."""

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
from tests import clips

RATE = Fraction(30)


@pytest.fixture(scope="module", params=[".mp4", ".mkv", ".ts"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds at 30 frames/s with B-frames, open GOPs of a second, and sound; the .mp4 begins at 0.5 s."""
    path = tmp_path_factory.mktemp("clip") / f"clip{request.param}"
    options = {"crf": "20", "bf": "2", "g": "30", "x264-params": "open-gop=1"}
    base = Fraction(1, 15360)
    pts = [7680 + 512 * i for i in range(120)] if request.param == ".mp4" else [512 * i for i in range(120)]
    return clips.make(path, 120, pts=pts, time_base=base, rate=RATE, options=options)


def taken(clip: Path, **wanted: Fraction | int | None) -> tuple[list[int], list[Fraction]]:
    """Which frames come through, by their shade, and when the packets of sound begin, from the first frame on."""
    video = probe(clip).video
    excerpt = Excerpt.from_times(
        video.start_time, video.rate, *(wanted.get(name) for name in ("start", "end", "frames"))
    )  # type: ignore[arg-type]
    also = frozenset({1})
    with FileSource(clip, ReadOptions(also, start=excerpt.start if excerpt else None)) as source:
        intake = FrameReader(source, video.format, excerpt, also)
        items = [item for packet in source for item in intake.feed(packet)] + list(intake.finish())
        assert intake.frames == sum(isinstance(item, Frame) for item in items)
        frames = [
            round(float((item.pts * video.time_base - video.start_time) * RATE))
            for item in items
            if isinstance(item, Frame)
        ]
        seen = [int(item.planes[0][24, 32]) for item in items if isinstance(item, Frame)]
        sound = [item.pts * item.time_base - video.start_time for item in items if not isinstance(item, Frame)]
    assert seen == pytest.approx([clips.shade(i) for i in frames], abs=3)
    return frames, sound


@pytest.mark.parametrize(
    ("wanted", "first", "count"),
    [
        ({"start": Fraction(2)}, 60, 60),
        ({"start": Fraction("1.967")}, 59, 61),
        ({"start": Fraction("1.968")}, 60, 60),
        ({"end": Fraction(1)}, 0, 30),
        ({"start": Fraction("0.5"), "end": Fraction("1.5")}, 15, 30),
        ({"frames": 7}, 0, 7),
        ({"start": Fraction("3.9"), "frames": 50}, 117, 3),
        ({"start": Fraction(1), "end": Fraction(2), "frames": 10}, 30, 10),
    ],
)
def test_frames_and_sound_of_an_excerpt(clip: Path, wanted: dict[str, Fraction | int], first: int, count: int) -> None:
    frames, sound = taken(clip, **wanted)
    assert frames == list(range(first, first + count))
    _, everything = taken(clip)
    # Sound that is heard at the start needs the packet that it lies in, and the one before.
    begins = min(first / RATE, wanted["start"]) - 2 * Fraction(1024, 48_000) if "start" in wanted else Fraction(-1)
    ends = (first + count) / RATE if first + count < 120 else Fraction(9)
    slack = Fraction(1, 1000)
    assert set(sound) <= set(everything)
    assert {time for time in everything if begins + slack <= time < ends - slack} <= set(sound)
    assert all(begins - slack <= time < ends + slack for time in sound)


def test_a_start_behind_the_end_of_the_source_gives_nothing(clip: Path) -> None:
    assert taken(clip, start=Fraction(10)) == ([], [])


@given(
    st.integers(0, 10**5), st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30), Fraction(60000, 1001)])
)
def test_a_time_that_people_read_off_a_frame_means_that_frame(frame: int, rate: Fraction) -> None:
    exactly = frame / rate
    for digits in (3, 6):
        read = Fraction(round(exactly * 10**digits), 10**digits)
        excerpt = Excerpt.from_times(Fraction(7), rate, read, None, None)
        assert excerpt is not None
        assert excerpt.start is not None
        assert excerpt.start <= 7 + exactly
        assert excerpt.start > 7 + exactly - 1 / rate


def test_without_limits_there_is_no_excerpt() -> None:
    assert Excerpt.from_times(Fraction(0), RATE, None, None, None) is None


def test_how_many_frames_to_expect() -> None:
    def expected(start: int | None, end: int | None, frames: int | None, whole: int | None) -> int | None:
        times = (None if time is None else Fraction(time) for time in (start, end))
        excerpt = Excerpt.from_times(Fraction(5), RATE, *times, frames)
        assert excerpt is not None
        return excerpt.expected_frames(whole, Fraction(5), RATE)

    assert expected(1, 3, None, 300) == 60
    assert expected(1, None, None, 300) == 270
    assert expected(None, 2, None, None) == 60
    assert expected(9, 20, None, 300) == 30
    assert expected(1, 3, 7, 300) == 7
    assert expected(1, None, None, None) is None
