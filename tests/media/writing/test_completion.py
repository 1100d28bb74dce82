"""A finished file is completed, and what its header has no space for is named."""

from fractions import Fraction
from pathlib import Path

from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.writing.completion import complete_file
from tests.cases import ebml
from tests.cases.film import film
from tests.frames import format_of

SQUARE = VideoEncoding("libx264", format_of("yuv420p"), Fraction(25), Fraction(1, 25))


def test_a_file_that_needs_nothing_is_unchanged(tmp_path: Path) -> None:
    for name in ("film.mkv", "film.mp4"):
        film(tmp_path / name, range(2))
        before = (tmp_path / name).read_bytes()
        assert complete_file(tmp_path / name, tmp_path / name, SQUARE, None) == []
        assert (tmp_path / name).read_bytes() == before


def test_chapters_without_space_are_named(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    film(path, range(2), container={"live": "1"})
    chapters = ebml.element(ebml.CHAPTERS, b"")
    assert complete_file(path, path, SQUARE, chapters) == ["chapters dropped: the header has no space for them"]
