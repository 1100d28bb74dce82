"""The choice and encoding of a pack's pictures."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.pictures import save, scene
from training.drawings.catalogue import draw, plan
from training.images import decode_rgb, read_rgb
from training.pack import read_pack, write_pack
from training.pack_contents import drawings, entry, photographs, shrink


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that pictures.toml describes, whose pictures are halved."""
    path = tmp_path / "images"
    path.mkdir()
    return path


def large(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A smooth picture of 1600 x 1200 pixels, so that JPEG loses little."""
    return np.asarray(cv2.resize(scene(seed), (1600, 1200), interpolation=cv2.INTER_LINEAR), np.uint8)


def test_full_size_pictures_are_halved(tmp_path: Path, folder: Path) -> None:
    save(folder / "a.png", large(1))
    (picture,) = read_pack(write_pack(tmp_path, photographs([folder]), 2**24), threads=1).pictures
    expected = large(1).reshape(600, 2, 800, 2, 3).astype(float).mean(axis=(1, 3))
    assert picture.name == "images-a.jpg"
    assert picture.pixels.shape == (600, 800, 3)
    assert 10 * np.log10(255**2 / np.square(picture.pixels - expected).mean()) > 42


def test_halved_jpegs_are_packed_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    save(folder / "a.jpg", scene(1))
    (folder / "SOURCES.md").write_text("| file | author | source | licence |\n| a.jpg | Ada | her page | CC0-1.0 |\n")
    ((found, content),) = photographs([folder])
    assert content == (folder / "a.jpg").read_bytes()
    assert (found.licence, found.source) == ("CC0-1.0", "Ada, her page")


def test_small_flat_and_duplicate_pictures_are_left_out(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(folder / "a.png", large(1))
    save(folder / "crop.png", large(1)[200:1000, 200:1400])
    save(folder / "flat.png", np.full((1200, 1600, 3), 80, np.uint8))
    save(folder / "small.png", scene(2))
    save(folder / "z.png", large(3))
    with caplog.at_level(logging.INFO):
        names = [found.name for found, _ in photographs([folder])]
    assert names == ["images-a.jpg", "images-z.jpg"]
    assert "images-crop.jpg left out: shows the same as images-a.jpg" in caplog.text
    assert "images-flat.jpg left out: texture 0.0" in caplog.text
    assert "images-small.jpg left out: 320 x 240 pixels" in caplog.text


def test_of_two_versions_with_one_title_the_first_is_packed(folder: Path) -> None:
    save(folder / "00000001_a.png", large(1))
    save(folder / "00000002_a.png", large(2))
    assert [found.name for found, _ in photographs([folder])] == ["images-a.jpg"]


def test_split_depends_on_the_title_alone() -> None:
    sides = {entry(f"{folder}-ocean-waves.jpg", b"", "photo", "CC0-1.0", "").split for folder in ("images", "more")}
    assert sides == {"held"}


def test_shrinking_takes_the_mean_of_the_area_of_each_pixel() -> None:
    image = np.repeat(np.arange(0, 240, 20, dtype=np.uint8)[None, :, None], 12, axis=0).repeat(3, axis=2)
    assert shrink(image, 1.5).shape == (8, 8, 3)
    # Pixel 0 has the area of pixel 0 and half of pixel 1.
    assert shrink(image, 1.5)[0, 0, 0] == round((0 + 20 / 2) / 1.5)
    assert shrink(image, 2)[0, 0, 0] == 10


def test_unreadable_picture_is_reported_by_its_path(folder: Path) -> None:
    (folder / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"a\.jpg is not an image"):
        read_rgb(folder / "a.jpg")


def test_drawings_are_packed_without_loss() -> None:
    ((found, content),) = drawings(1, [])
    kind, seed = plan(1)[0]
    assert (found.name, found.kind) == (f"drawn-{kind}-{seed:04}.webp", "drawn")
    assert np.array_equal(decode_rgb(content, found.name), draw(kind, seed))
