"""Checks that wheel and source archive have the files of the work tree: `python -m tests.package_check dist`."""

from __future__ import annotations

import argparse
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("benchmarks", "configs", "docs", "pipeline", "samples", "tests", "training")
"""The folders of the source archive; the wheel has only the package."""
FILES = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "MANIFEST.in",
    "Makefile",
    "README.md",
    "mkdocs.yml",
    "pyproject.toml",
)
"""The files of the source archive beside the folders."""
_GENERATED = {"PKG-INFO", "setup.cfg"}


def files_below(root: Path, folders: tuple[str, ...] = FOLDERS) -> set[str]:
    """Returns the files of the work tree in `folders`, relative to `root`, without compiled Python."""
    found = (path for folder in folders for path in (root / folder).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix() for path in found if "__pycache__" not in path.parts}


def source_files(archive: Path) -> set[str]:
    """Returns the files of a source archive, without the folder that all are in and without generated metadata."""
    with tarfile.open(archive) as tar:
        names = {member.name.partition("/")[2] for member in tar.getmembers() if member.isfile()}
    return {name for name in names - _GENERATED if not name.partition("/")[0].endswith(".egg-info")}


def wheel_files(archive: Path) -> set[str]:
    """Returns the files that a wheel installs, without its metadata."""
    with zipfile.ZipFile(archive) as wheel:
        return {name for name in wheel.namelist() if not name.partition("/")[0].endswith(".dist-info")}


def differences(archive: Path, found: set[str], expected: set[str]) -> list[str]:
    """Returns a line for each file that an archive lacks, or has without need."""
    lacking = [f"{archive.name} lacks {name}" for name in sorted(expected - found)]
    return lacking + [f"{archive.name} has {name}, which the work tree lacks" for name in sorted(found - expected)]


def check(folder: Path, root: Path = ROOT) -> list[str]:
    """Returns what is wrong with the two archives in `folder`."""
    wheels, sources = sorted(folder.glob("*.whl")), sorted(folder.glob("*.tar.gz"))
    if len(wheels) != 1 or len(sources) != 1:
        return [f"{folder} has {len(wheels)} wheels and {len(sources)} source archives; there should be one of each"]
    return [
        *differences(sources[0], source_files(sources[0]), files_below(root) | set(FILES)),
        *differences(wheels[0], wheel_files(wheels[0]), files_below(root, ("pipeline",))),
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path, help="the folder of the wheel and the source archive")
    if faults := check(options.parse_args().folder):
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
