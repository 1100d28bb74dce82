"""Pictures of Debian packages, by the licences in their copyright files."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from training import debian_pictures
from training.debian_pictures import fetch, paragraph_of, read_copyright

COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: sky

Files: *
Copyright: 2008, Nobody <nobody@example.org>
License: GPL-2+

Files: 16.04/lake_by_ada.jpg
       16.04/hill_by_ada.jpg
Copyright: Ada Lovelace, 2018
           2019-2021, Bob
License: CC-BY-4.0

Files: debian/*
Copyright: 2018, Packager
License: Expat

License: CC-BY-4.0
 The text of the licence.
"""


def test_copyright_file_is_read_by_paragraph() -> None:
    paragraphs = read_copyright(COPYRIGHT)
    assert [(paragraph.author, paragraph.licence) for paragraph in paragraphs] == [
        ("Nobody", "GPL-2+"),
        ("Ada Lovelace, Bob", "CC-BY-4.0"),
        ("Packager", "Expat"),
    ]
    assert paragraphs[1].patterns == ("16.04/lake_by_ada.jpg", "16.04/hill_by_ada.jpg")


@pytest.mark.parametrize(
    ("path", "licence"),
    [
        ("usr/share/backgrounds/lake_by_ada.jpg", "CC-BY-4.0"),
        ("usr/share/backgrounds/other.jpg", "GPL-2+"),
        ("debian/lake_by_ada.jpg", "Expat"),
    ],
)
def test_last_paragraph_that_matches_a_file_has_its_licence(path: str, licence: str) -> None:
    found = paragraph_of(Path(path), read_copyright(COPYRIGHT))
    assert found is not None
    assert found.licence == licence


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """`apt-get` and `dpkg-deb` are replaced: package `sky` has three pictures, `grey` has one under the GPL."""

    def run(command: list[Any], cwd: Path | None = None, check: bool = False) -> None:
        if command[0] == "apt-get":
            assert cwd is not None
            (cwd / f"{command[-1]}_1.deb").touch()
            return
        folder = Path(command[-1])
        package = folder.name
        documents, pictures = folder / "usr/share/doc" / package, folder / "usr/share/backgrounds"
        documents.mkdir(parents=True)
        pictures.mkdir(parents=True)
        (documents / "copyright").write_text(COPYRIGHT)
        for name in ("lake_by_ada.jpg", "hill_by_ada.jpg", "other.jpg") if package == "sky" else ("other.jpg",):
            (pictures / name).write_bytes(name.encode())

    monkeypatch.setattr(subprocess, "run", run)


@pytest.mark.usefixtures("packages")
def test_only_pictures_under_free_licences_are_copied_and_listed(tmp_path: Path) -> None:
    fetch(("sky",), tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.jpg")) == ["sky_hill_by_ada.jpg", "sky_lake_by_ada.jpg"]
    table = (tmp_path / "SOURCES.md").read_text()
    assert "| sky_lake_by_ada.jpg | Ada Lovelace, Bob | Debian package sky: lake_by_ada.jpg | CC-BY-4.0 |" in table
    assert "other.jpg" not in table


@pytest.mark.usefixtures("packages")
def test_package_without_a_picture_under_a_free_licence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no picture of grey has a licence of CC0"):
        fetch(("grey",), tmp_path)


def test_copyleft_of_programs_is_no_licence_for_pictures() -> None:
    assert not any(licence.startswith("GPL") for licence in debian_pictures.LICENCES)
