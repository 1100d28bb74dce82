"""Missing frames are counted by what the container declares: an exact index, a header's count or an end time."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from pipeline.media.reading.declared_length import DeclaredLength

RATE = Fraction(25)
TICK = Fraction(1, 1000)


def declared_length(container: str = "matroska,webm", index: int = 0, frames: int = 0, **tags: str) -> DeclaredLength:
    """The length of a stand-in for a stream, as its index, its header or its tags declare it."""
    demuxer: Any = SimpleNamespace(format=SimpleNamespace(name=container))
    stream: Any = SimpleNamespace(
        metadata=tags, time_base=TICK, start_time=0, frames=frames, index_entries=[object()] * index
    )
    return DeclaredLength(demuxer, stream, RATE)


def test_index_of_mp4_is_exact() -> None:
    length = declared_length("mov,mp4,m4a,3gp,3g2,mj2", index=50)
    assert length.missing_frames(48, end=2000, damaged=False) == 2
    assert length.missing_frames(51, end=2000, damaged=False) == 0


def test_tagged_frame_count_is_exact() -> None:
    length = declared_length(NUMBER_OF_FRAMES="50", DURATION="00:00:02.000000000")
    assert length.missing_frames(49, end=1960, damaged=False) == 1


def test_tagged_frame_count_that_contradicts_the_duration_is_ignored() -> None:
    length = declared_length(NUMBER_OF_FRAMES="5000", DURATION="00:00:02.000000000")
    assert length.missing_frames(50, end=2000, damaged=False) == 0


def test_header_count_is_approximate() -> None:
    length = declared_length("avi", frames=100)
    assert length.missing_frames(96, end=3840, damaged=False) == 0
    assert length.missing_frames(90, end=3600, damaged=False) == 10


def test_early_end_counts_only_if_the_source_is_damaged() -> None:
    length = declared_length(DURATION="00:00:02.000000000")
    assert length.missing_frames(40, end=1600, damaged=False) == 0
    assert length.missing_frames(40, end=1600, damaged=True) == 10


def test_b_frames_missing_before_the_last_frame_are_counted_at_a_constant_rate() -> None:
    length = declared_length(DURATION="00:00:02.000000000")
    assert length.missing_frames(45, end=2000, damaged=True) == 5


def test_container_without_a_declaration_misses_nothing() -> None:
    assert declared_length("mpegts", DURATION="unknown").missing_frames(3, end=120, damaged=True) == 0
