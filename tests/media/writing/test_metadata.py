"""Tags and chapters of files and streams."""

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.writing import metadata

SECONDS = st.fractions(-100, 100, max_denominator=1000)


def test_tags_that_describe_the_source_file_are_not_copied() -> None:
    tags = {
        "title": "A",
        "ENCODER": "x",
        "DURATION": "1",
        "BPS-eng": "9",
        "NUMBER_OF_FRAMES": "3",
        "major_brand": "isom",
    }
    assert metadata.copied_tags(tags | {"_STATISTICS_TAGS": "BPS", "vendor_id": "FFMP"}) == {"title": "A"}


def test_an_undetermined_language_is_not_copied() -> None:
    assert metadata.copied_tags({"language": "und"}) == {}
    assert metadata.copied_tags({"language": "ger"}) == {"language": "ger"}


def test_handler_names_are_copied_within_the_mp4_family_only() -> None:
    assert metadata.copied_tags({"handler_name": "SoundHandler"}, iso=False) == {}
    assert metadata.copied_tags({"handler_name": "SoundHandler"}, iso=True) == {"handler_name": "SoundHandler"}


def test_a_name_in_mp4_becomes_a_title() -> None:
    assert metadata.copied_tags({"name": "Director"}) == {"title": "Director"}
    assert metadata.copied_tags({"name": "Director", "title": "A"}) == {"title": "A"}


def test_tags_beyond_those_of_itunes_are_listed() -> None:
    assert metadata.non_itunes_tags({"TITLE": "A", "PURL": "x", "title-eng": "A", "encoder": "y"}) == ["PURL"]


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(1, 9000)), max_size=5), SECONDS)
def test_shifted_chapters_begin_at_zero_at_the_earliest(spans: list[tuple[int, int]], shift: Fraction) -> None:
    before: list[dict[str, Any]] = [
        {"id": i, "start": at, "end": at + length, "time_base": Fraction(1, 1000), "metadata": {"title": str(i)}}
        for i, (at, length) in enumerate(spans)
    ]
    ticks = round(shift * 1000)
    after = metadata.shift_chapters(before, shift)
    assert [c["id"] for c in after] == [c["id"] for c in before if c["end"] + ticks > 0]
    for chapter in after:
        old = before[chapter["id"]]
        assert chapter["start"] == max(0, old["start"] + ticks)
        assert chapter["end"] == old["end"] + ticks
        assert chapter["metadata"] == old["metadata"]


def test_chapters_are_cut_at_the_end_of_an_excerpt() -> None:
    chapters = [
        {"id": i, "start": at, "end": at + 1000, "time_base": Fraction(1, 1000), "metadata": {}}
        for i, at in enumerate((0, 1000, 2000))
    ]
    after = metadata.shift_chapters(chapters, Fraction(-1, 2), until=Fraction(3, 2))
    assert [(chapter["start"], chapter["end"]) for chapter in after] == [(0, 500), (500, 1000)]
