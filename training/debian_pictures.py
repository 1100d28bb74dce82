"""Fetches pictures under free licences from packages of Debian, with a table of the licence of each.

    python -m training.debian_pictures --out debian

Needs Debian or a derivative with `apt-get`, `dpkg-deb` and a list of packages (`apt-get update`). Each licence is read
in the package's own machine-readable copyright file; a picture without a licence of `LICENCES` is left out.
"""

from __future__ import annotations

import argparse
import fnmatch
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from training.images import SUFFIXES

PACKAGES = ("lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "mate-backgrounds", "ukui-wallpapers")
"""Packages with photographs or paintings of high resolution, of which some at least are under such a licence."""

LICENCES = ("CC0-*", "CC-BY-[0-9]*", "CC-BY-SA-[0-9]*", "public-domain")
"""Patterns of licences under which weights trained on a picture may be published with its author's name."""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph `Files` of a copyright file in Debian's format 1.0.

    Attributes:
        patterns: File names with * and ?.
        author: Holders of the copyright, without years and addresses.
        licence: Short name of the licence.
    """

    patterns: tuple[str, ...]
    author: str
    licence: str


def read_copyright(text: str) -> list[Paragraph]:
    """The paragraphs on files of a copyright file in Debian's machine-readable format 1.0, in its order."""
    paragraphs = []
    for block in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Z][\w-]*):[ \t]*((?:.*\n?)(?:[ \t].*\n?)*)", block + "\n", re.MULTILINE))
        if "Files" in fields and "License" in fields:
            author = ", ".join(filter(None, map(_name, fields.get("Copyright", "").splitlines())))
            licence = fields["License"].splitlines()[0].strip()
            paragraphs.append(Paragraph(tuple(fields["Files"].split()), author, licence))
    return paragraphs


def _name(holder: str) -> str:
    """A line of a field `Copyright` without years, address and quotation marks around it."""
    without_address = re.sub(r"<.*|\(.*", "", holder)
    return re.sub(r"^[\W\d]+|,?\s*\d{4}\W*$|[\W]+$", "", without_address).strip(' "')


def paragraph_of(path: Path, paragraphs: list[Paragraph]) -> Paragraph | None:
    """The paragraph on an installed file: as in Debian's format, the last that matches.

    Packages install their files in other folders than the source has, so file names are compared, and folders only for
    patterns that are a complete folder.
    """

    def matches(pattern: str) -> bool:
        folder, _, name = pattern.rpartition("/")
        if name == "*" and folder:
            return folder.split("/")[-1] in path.parts
        return fnmatch.fnmatch(path.name, name)

    found = [paragraph for paragraph in paragraphs if any(map(matches, paragraph.patterns))]
    return found[-1] if found else None


def fetch(packages: tuple[str, ...], out: Path) -> None:
    """Download packages, copy their pictures under free licences to `out`, and write SOURCES.md there.

    Raises:
        ValueError: If no picture of a package has a licence of `LICENCES`.
        subprocess.CalledProcessError: If `apt-get` or `dpkg-deb` fails; their own message is on stderr.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for package in packages:
            unpacked = _unpack(package, Path(scratch))
            text = (unpacked / "usr/share/doc" / package / "copyright").read_text()
            found = list(_free_pictures(unpacked, read_copyright(text)))
            if not found:
                raise ValueError(
                    f"no picture of {package} has a licence of {', '.join(LICENCES)}; leave the package out"
                )
            for path, paragraph in found:
                name = f"{package}_{path.name}"
                shutil.copyfile(path, out / name)
                rows.append(
                    f"| {name} | {paragraph.author} | Debian package {package}: {path.name} | {paragraph.licence} |"
                )
    head = ["# Pictures of Debian packages", "", "| file | author | source | licence |", "|---|---|---|---|"]
    (out / "SOURCES.md").write_text("\n".join([*head, *sorted(rows), ""]))


def _unpack(package: str, scratch: Path) -> Path:
    """Download and unpack a package; returns the folder with its files."""
    folder = scratch / package
    folder.mkdir()
    subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True)
    (archive,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
    return folder


def _free_pictures(folder: Path, paragraphs: list[Paragraph]) -> list[tuple[Path, Paragraph]]:
    """Pictures below a folder whose licence is one of `LICENCES`, sorted by path."""
    pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    known = [
        (path, paragraph) for path in pictures if (paragraph := paragraph_of(path.relative_to(folder), paragraphs))
    ]
    return [item for item in known if any(fnmatch.fnmatch(item[1].licence, pattern) for pattern in LICENCES)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Fetch pictures under free licences from packages of Debian.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures and SOURCES.md")
    fetch(PACKAGES, parser.parse_args().out)


if __name__ == "__main__":
    main()
