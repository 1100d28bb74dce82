"""The check of `make package`."""

import io
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.package_check import FILES, ROOT, check, files_below

TREE = ["pipeline/a.py", "pipeline/gpu/b.cu", "tests/test_a.py", "docs/index.md"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (*TREE, *FILES, "pipeline/__pycache__/a.pyc"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "tree"


def packed(tree: Path, sources: Iterable[str], wheel: Iterable[str]) -> Path:
    """Writes archives of these files into dist."""
    (tree / "dist").mkdir()
    with tarfile.open(tree / "dist" / "uprez-1.tar.gz", "w:gz") as tar:
        for name in (*sources, "PKG-INFO", "setup.cfg", "uprez.egg-info/SOURCES.txt"):
            tar.addfile(tarfile.TarInfo(f"uprez-1/{name}"), io.BytesIO())
    with zipfile.ZipFile(tree / "dist" / "uprez-1-py3-none-any.whl", "w") as archive:
        for name in (*wheel, "uprez-1.dist-info/METADATA"):
            archive.writestr(name, "")
    return tree / "dist"


def test_archives_of_all_files_have_no_fault(tree: Path) -> None:
    assert check(packed(tree, [*TREE, *FILES], TREE[:2]), tree) == []


def test_a_file_that_is_missing_or_stale_is_a_fault(tree: Path) -> None:
    dist = packed(tree, [*TREE[:3], *FILES[1:]], [TREE[0], "pipeline/removed.py"])
    assert check(dist, tree) == [
        "uprez-1.tar.gz lacks CHANGELOG.md",
        "uprez-1.tar.gz lacks docs/index.md",
        "uprez-1-py3-none-any.whl lacks pipeline/gpu/b.cu",
        "uprez-1-py3-none-any.whl has pipeline/removed.py, which the work tree lacks",
    ]


def test_archives_of_two_versions_are_a_fault(tree: Path) -> None:
    dist = packed(tree, TREE, TREE)
    (dist / "uprez-2.tar.gz").touch()
    assert check(dist, tree) == [f"{dist} has 1 wheels and 2 source archives; there should be one of each"]


def test_everything_that_the_source_archive_should_have_exists() -> None:
    assert all((ROOT / name).is_file() for name in FILES)
    assert {name.partition("/")[0] for name in files_below(ROOT)} >= {"benchmarks", "docs", "pipeline", "tests"}
