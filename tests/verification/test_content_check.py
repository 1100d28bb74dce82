"""Chapters and tags are compared after a common shift."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.verification.content_check import compare_contents
from pipeline.verification.tracks import FileContents, read_contents
from pipeline.verification.verdict import Fault


@pytest.fixture
def contents(rich: Path) -> FileContents:
    return replace(read_contents(rich, 0, {}), tracks=())


def kinds(source: FileContents, output: FileContents, shift: float = 0.0, is_complete: bool = True) -> list[str]:
    found = compare_contents(source, output, shift, is_complete)
    return [item.kind for item in found if isinstance(item, Fault)]


def test_equal_contents_have_no_faults(contents: FileContents) -> None:
    assert kinds(contents, contents) == []


def test_chapters_move_with_the_common_shift(contents: FileContents) -> None:
    chapters = tuple(replace(each, start=each.start + 0.5, end=each.end + 0.5) for each in contents.chapters)
    shifted = replace(contents, chapters=chapters)
    assert kinds(contents, shifted, shift=0.5) == []
    assert kinds(contents, shifted) == ["chapter", "chapter"]


def test_chapters_of_an_excerpt_are_not_compared(contents: FileContents) -> None:
    without = replace(contents, chapters=())
    assert kinds(contents, without) == ["chapter"]
    assert kinds(contents, without, is_complete=False) == []


def test_tags_that_describe_the_file_are_not_compared(contents: FileContents) -> None:
    described = replace(
        contents, metadata=contents.metadata | {"encoder": "x", "creation_time": "1970-01-01T00:00:00.000000Z"}
    )
    assert kinds(described, contents) == []


def test_labels_that_a_container_does_not_support_are_remarks(contents: FileContents) -> None:
    titled = replace(contents, main=replace(contents.main, title="Feature"))
    assert kinds(titled, contents) == ["title"]
    found = list(compare_contents(titled, replace(contents, container="mpegts"), 0.0, is_complete=True))
    assert found == ["video 0 (h264, Feature): its title is '', not 'Feature'"]
