"""Packs of training pictures: .tar files that travel to a machine with a GPU, and a manifest.

    python -m training.pack --out DIR --photos images debian more --drawn 240

`read_pack` needs no more than NumPy and OpenCV or Pillow. Each part contains the manifest of the complete pack, so
that a missing or foreign part is noticed.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import itertools
import json
import logging
import tarfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.images import decode_rgb

MANIFEST = "manifest.json"
# A tar archive rounds each file up to blocks of 512 bytes, has a header of one for each, and ends with up to 20.
_BLOCK = 512
_END = 20 * _BLOCK

Kind = Literal["photo", "drawn"]
Split = Literal["train", "held"]


@dataclass(frozen=True)
class PackEntry:
    """A line of the manifest.

    Attributes:
        name: File name in the pack.
        sha256: Digest of the file, hexadecimal.
        kind: "photo", or "drawn" by program.
        split: "train", or "held" out.
        licence: Licence of the picture.
        source: Its author, if known, and origin.
    """

    name: str
    sha256: str
    kind: Kind
    split: Split
    licence: str
    source: str


@dataclass(frozen=True)
class PackedPicture:
    """A decoded picture.

    Attributes:
        name: File name in the pack.
        kind: "photo", or "drawn" by program.
        split: "train", or "held" out.
        licence: Its licence.
        pixels: R'G'B', (H, W, 3) uint8.
    """

    name: str
    kind: Kind
    split: Split
    licence: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class Pack:
    """A complete pack.

    Attributes:
        hash: SHA-256 over the sorted names and digests of all files, hexadecimal.
        pictures: All pictures, sorted by name.
    """

    hash: str
    pictures: list[PackedPicture]


def read_pack(paths: Iterable[Path], threads: int) -> Pack:
    """Read all parts of a pack and decode their pictures.

    Args:
        paths: The .tar files, in any order.
        threads: Threads that decode.

    Raises:
        ValueError: If a part is missing, belongs to another pack, or a file differs from its digest.
    """
    files: dict[str, bytes] = {}
    manifests: dict[bytes, Path] = {}
    for path in paths:
        with tarfile.open(path) as part:
            for member in part:
                content = part.extractfile(member)
                if content is None:
                    raise ValueError(f"{path} contains {member.name}, which is no file; only files are allowed")
                if member.name == MANIFEST:
                    manifests[content.read()] = path
                else:
                    files[member.name] = content.read()
    if len(manifests) != 1:
        found = " and ".join(map(str, manifests.values())) or "no manifest"
        raise ValueError(f"found {found}; give all the parts of one pack and no others")
    manifest = json.loads(next(iter(manifests)))
    entries = sorted((PackEntry(**entry) for entry in manifest["pictures"]), key=lambda entry: entry.name)
    _check(manifest["hash"], entries, files)
    with ThreadPoolExecutor(threads) as pool:
        pixels = pool.map(lambda entry: decode_rgb(files[entry.name], entry.name), entries)
        pictures = [
            PackedPicture(e.name, e.kind, e.split, e.licence, image) for e, image in zip(entries, pixels, strict=True)
        ]
    return Pack(manifest["hash"], pictures)


def _check(expected: str, entries: list[PackEntry], files: dict[str, bytes]) -> None:
    missing = [entry.name for entry in entries if entry.name not in files]
    if missing:
        raise ValueError(f"{len(missing)} of {len(entries)} pictures are missing, e.g. {missing[0]}; give all parts")
    unknown = sorted(files.keys() - {entry.name for entry in entries})
    if unknown:
        raise ValueError(f"{unknown[0]} is not in the manifest; pack again")
    damaged = [entry.name for entry in entries if hashlib.sha256(files[entry.name]).hexdigest() != entry.sha256]
    if damaged:
        raise ValueError(f"{damaged[0]} differs from its digest in the manifest; copy the part again")
    if pack_hash(entries) != expected:
        raise ValueError(
            f"the manifest's hash is {expected[:12]}, its entries have {pack_hash(entries)[:12]}; pack again"
        )


def pack_hash(entries: Iterable[PackEntry]) -> str:
    """SHA-256 of the JSON list of [name, sha256], sorted by name, without spaces; hexadecimal."""
    pairs = sorted([entry.name, entry.sha256] for entry in entries)
    return hashlib.sha256(json.dumps(pairs, separators=(",", ":")).encode()).hexdigest()


def write_pack(folder: Path, pictures: Iterable[tuple[PackEntry, bytes]], limit: int) -> list[Path]:
    """Write pictures as pack-1.tar, pack-2.tar, ... of at most `limit` bytes, and manifest.json; the parts' paths.

    Equal pictures yield equal files.

    Raises:
        ValueError: If a picture and the manifest are together larger than the limit.
    """
    ordered = sorted(pictures, key=lambda picture: picture[0].name)
    entries = [entry for entry, _ in ordered]
    document = {"hash": pack_hash(entries), "pictures": [asdict(entry) for entry in entries]}
    manifest = json.dumps(document, indent=1, ensure_ascii=False).encode()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_bytes(manifest)
    parts = _parts([(entry.name, content) for entry, content in ordered], limit - _END - _stored(manifest))
    paths = [folder / f"pack-{number}.tar" for number in range(1, len(parts) + 1)]
    for path, files in zip(paths, parts, strict=True):
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as part:
            for name, content in [(MANIFEST, manifest), *files]:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                part.addfile(info, io.BytesIO(content))
    return paths


def _stored(content: bytes) -> int:
    """Bytes that a file takes in a tar archive."""
    return _BLOCK + -(-len(content) // _BLOCK) * _BLOCK


def _parts(files: list[tuple[str, bytes]], room: int) -> list[list[tuple[str, bytes]]]:
    """Distribute files over as few parts as this order allows."""
    parts: list[list[tuple[str, bytes]]] = []
    left = 0
    for name, content in files:
        size = _stored(content)
        if size > room:
            raise ValueError(f"{name} takes {size} bytes, a part has room for {room}; raise --limit")
        if size > left:
            parts.append([])
            left = room
        parts[-1].append((name, content))
        left -= size
    return parts


def main() -> None:
    from training.drawings.lettering import find_fonts  # these need OpenCV, which reading does not
    from training.pack_contents import drawings, photographs

    parser = argparse.ArgumentParser(description="Pack training pictures into .tar files.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the parts and manifest.json")
    parser.add_argument(
        "--photos", type=Path, nargs="+", default=[], help="folders that training/pictures.toml describes"
    )
    parser.add_argument("--drawn", type=int, default=0, help="number of pictures drawn by program")
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"), help="folder of fonts for drawings")
    parser.add_argument("--limit", type=float, default=55, help="most MiB of a part")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pictures = itertools.chain(photographs(options.photos), drawings(options.drawn, find_fonts(options.fonts)))
    paths = write_pack(options.out, pictures, int(options.limit * 2**20))
    for path in paths:
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
