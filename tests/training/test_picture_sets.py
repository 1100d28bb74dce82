"""Folders of pictures and their licences."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.pictures import save
from training.picture_sets import DESCRIPTIONS, source_pictures

DESCRIBED = """
[plain]
shrink = 2
licence = "CC0-1.0"
source = "somewhere"

[listed]
shrink = 1
table = "SOURCES.md"
patterns = { "noisy_*" = 1.5 }
"""
TABLE = """# Pictures
| file | kind | author | source | licence |
|---|---|---|---|---|
| a.png | U | Ada | her page | CC-BY-4.0 |
| noisy_b.png | U | Bob | his page | CC0-1.0 |
"""


@pytest.fixture
def descriptions(tmp_path: Path) -> Path:
    path = tmp_path / "described.toml"
    path.write_text(DESCRIBED)
    return path


def folder(tmp_path: Path, name: str, *files: str) -> Path:
    path = tmp_path / name
    path.mkdir()
    for file in files:
        save(path / file, np.zeros((8, 8, 3), np.uint8))
    return path


def test_folder_of_one_licence_gives_it_to_all_pictures(tmp_path: Path, descriptions: Path) -> None:
    (picture,) = source_pictures(folder(tmp_path, "plain", "a.png"), descriptions)
    assert (picture.licence, picture.source, picture.shrink) == ("CC0-1.0", "somewhere", 2)


def test_table_gives_each_picture_its_author_source_and_licence(tmp_path: Path, descriptions: Path) -> None:
    listed = folder(tmp_path, "listed", "a.png", "noisy_b.png")
    (listed / "SOURCES.md").write_text(TABLE)
    first, second = source_pictures(listed, descriptions)
    assert (first.licence, first.source, first.shrink) == ("CC-BY-4.0", "Ada, her page", 1)
    assert (second.licence, second.source, second.shrink) == ("CC0-1.0", "Bob, his page", 1.5)


def test_picture_without_a_licence_is_refused(tmp_path: Path, descriptions: Path) -> None:
    listed = folder(tmp_path, "listed", "a.png", "other.png")
    (listed / "SOURCES.md").write_text(TABLE)
    with pytest.raises(ValueError, match=r"other\.png has no licence in SOURCES\.md"):
        source_pictures(listed, descriptions)


def test_folder_without_a_description_is_refused(tmp_path: Path, descriptions: Path) -> None:
    with pytest.raises(ValueError, match="describes plain, listed, not strange"):
        source_pictures(folder(tmp_path, "strange", "a.png"), descriptions)


def test_budgie_backgrounds_are_described(tmp_path: Path) -> None:
    (picture,) = source_pictures(folder(tmp_path, "images", "a.png"), DESCRIPTIONS)
    assert picture.licence == "CC0-1.0"
