"""Chapters that FFmpeg's list can't express are recognised, and appended so that players find them."""

from pathlib import Path

import av
import pytest

from pipeline import upscale, verify
from pipeline.media.writing.matroska_chapters import append_chapters, chapter_tree, read_rich_chapters
from tests.cases import ebml, streams
from tests.cases.film import film
from tests.verification.plants import kinds

TITLE: ebml.Content = [(ebml.CHAPTER_TITLE, "One"), (ebml.CHAPTER_LANGUAGE, "eng")]
ATOM: list[tuple[int, ebml.Content]] = [
    (ebml.CHAPTER_UID, 1),
    (ebml.CHAPTER_START, 0),
    (ebml.CHAPTER_END, 10**9),
    (ebml.DISPLAY, TITLE),
]


def with_edition(path: Path, *parts: tuple[int, ebml.Content]) -> Path:
    film(path, range(2))
    ebml.change_segment(path, {ebml.CHAPTERS: ebml.element(ebml.EDITION, [(ebml.EDITION_UID, 1), *parts])})
    return path


def test_a_list_with_a_title_each_is_not_rich(tmp_path: Path) -> None:
    parts = (ebml.ATOM, [*ATOM, (ebml.CHAPTER_HIDDEN, 0)]), (ebml.EDITION_ORDERED, 0)
    assert read_rich_chapters(with_edition(tmp_path / "film.mkv", *parts)) is None


def test_a_file_without_chapters_has_no_rich_ones(tmp_path: Path) -> None:
    film(tmp_path / "film.mkv", range(2))
    assert read_rich_chapters(tmp_path / "film.mkv") is None
    (tmp_path / "empty.mkv").write_bytes(b"")
    assert read_rich_chapters(tmp_path / "empty.mkv") is None


@pytest.mark.parametrize(
    "parts",
    [
        [(ebml.ATOM, [*ATOM, (ebml.ATOM, ATOM)])],
        [(ebml.ATOM, [*ATOM, (ebml.CHAPTER_HIDDEN, 1)])],
        [(ebml.ATOM, [*ATOM, (ebml.DISPLAY, TITLE)])],
        [(ebml.ATOM, ATOM), (ebml.EDITION_ORDERED, 1)],
    ],
    ids=["nested", "hidden", "bilingual", "ordered"],
)
def test_what_a_list_cannot_express_is_rich(tmp_path: Path, parts: list[tuple[int, ebml.Content]]) -> None:
    assert read_rich_chapters(with_edition(tmp_path / "film.mkv", *parts)) is not None


def test_appended_chapters_are_found_by_ffmpeg(tmp_path: Path) -> None:
    streams.nested_chapters.make(tmp_path)
    chapters = read_rich_chapters(tmp_path / streams.nested_chapters.name)
    assert chapters is not None
    film(tmp_path / "film.mkv", range(2))
    assert append_chapters(tmp_path / "film.mkv", chapters)
    assert read_rich_chapters(tmp_path / "film.mkv") == chapters
    with av.open(str(tmp_path / "film.mkv")) as container:
        assert "Hidden" in [chapter["metadata"]["title"] for chapter in container.chapters()]
        assert len([*container.decode(video=0)]) == 2


def test_a_file_without_room_is_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    film(path, range(2), container={"live": "1"})
    before = path.read_bytes()
    assert not append_chapters(path, ebml.element(ebml.CHAPTERS, b""))
    assert path.read_bytes() == before


def test_verify_finds_a_chapter_that_is_no_longer_hidden(tmp_path: Path) -> None:
    streams.nested_chapters.make(tmp_path)
    source = tmp_path / streams.nested_chapters.name
    output = upscale(source, tmp_path / "out.mkv", model="identity").path
    assert kinds(verify(source, output, quick=True)) == []
    shown = ebml.element(ebml.CHAPTER_HIDDEN, 0)
    output.write_bytes(output.read_bytes().replace(ebml.element(ebml.CHAPTER_HIDDEN, 1), shown))
    assert kinds(verify(source, output, quick=True)) == ["chapter"]


def test_an_excerpt_has_a_flat_list_and_says_so(tmp_path: Path) -> None:
    streams.nested_chapters.make(tmp_path)
    result = upscale(tmp_path / streams.nested_chapters.name, tmp_path / "out.mkv", model="identity", start="0.4")
    assert any("become a flat list in an excerpt" in line for line in result.findings)
    assert read_rich_chapters(result.path) is None


def test_trees_ignore_free_space() -> None:
    atom = ebml.element(ebml.CHAPTERS, [(ebml.EDITION, [(ebml.VOID, b"123"), (ebml.ATOM, ATOM)])])
    assert chapter_tree(atom) == chapter_tree(ebml.element(ebml.CHAPTERS, [(ebml.EDITION, [(ebml.ATOM, ATOM)])]))
