"""Packs of pictures are written and read."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tests.training.pictures import scene
from training.pack import PackEntry, read_pack, write_pack
from training.pack_contents import encode, entry

LIMIT = 2**18


def pictures(count: int) -> list[tuple[PackEntry, bytes]]:
    contents = {f"set-{number}.jpg": encode(scene(number, (96, 128))) for number in range(count)}
    return [(entry(name, content, "photo", "CC0-1.0", "Ada"), content) for name, content in contents.items()]


def test_pack_returns_all_pictures_sorted_by_name(tmp_path: Path) -> None:
    parts = write_pack(tmp_path, reversed(pictures(5)), LIMIT)
    pack = read_pack(parts, threads=2)
    assert [picture.name for picture in pack.pictures] == [f"set-{number}.jpg" for number in range(5)]
    assert all(picture.pixels.shape == (96, 128, 3) for picture in pack.pictures)
    error = pack.pictures[3].pixels.astype(float) - scene(3, (96, 128))
    assert np.square(error).mean() < 40


def test_equal_pictures_yield_equal_parts_and_hashes(tmp_path: Path) -> None:
    first = write_pack(tmp_path / "a", pictures(4), LIMIT)
    second = write_pack(tmp_path / "b", reversed(pictures(4)), LIMIT)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_hash_depends_on_every_picture(tmp_path: Path) -> None:
    hashes = {read_pack(write_pack(tmp_path / str(count), pictures(count), LIMIT), 1).hash for count in (3, 4, 5)}
    assert len(hashes) == 3


def test_manifest_states_digest_kind_split_licence_and_source(tmp_path: Path) -> None:
    (found, content), *_ = pictures(1)
    write_pack(tmp_path, [(found, content)], LIMIT)
    (line,) = json.loads((tmp_path / "manifest.json").read_text())["pictures"]
    assert line == {
        "name": "set-0.jpg",
        "sha256": hashlib.sha256(content).hexdigest(),
        "kind": "photo",
        "split": "train",
        "licence": "CC0-1.0",
        "source": "Ada",
    }


def test_no_part_is_larger_than_the_limit(tmp_path: Path) -> None:
    limit = 2**16
    parts = write_pack(tmp_path, pictures(12), limit)
    assert len(parts) > 1
    assert max(path.stat().st_size for path in parts) <= limit
    assert len(read_pack(reversed(parts), threads=2).pictures) == 12


def test_picture_larger_than_a_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"set-0\.jpg takes \d+ bytes.*raise --limit"):
        write_pack(tmp_path, pictures(1), 2**14)


def test_missing_part_is_reported(tmp_path: Path) -> None:
    parts = write_pack(tmp_path, pictures(12), 2**16)
    with pytest.raises(ValueError, match="pictures are missing"):
        read_pack(parts[:-1], threads=1)


def test_parts_of_two_packs_are_refused(tmp_path: Path) -> None:
    first, second = write_pack(tmp_path / "a", pictures(1), LIMIT), write_pack(tmp_path / "b", pictures(2), LIMIT)
    with pytest.raises(ValueError, match="give all the parts of one pack"):
        read_pack([*first, *second], threads=1)


def test_damaged_picture_is_reported_by_name(tmp_path: Path) -> None:
    (path,) = write_pack(tmp_path, pictures(1), LIMIT)
    content = pictures(1)[0][1]
    path.write_bytes(path.read_bytes().replace(content[200:220], bytes(20)))
    with pytest.raises(ValueError, match=r"set-0\.jpg differs from its digest"):
        read_pack([path], threads=1)
