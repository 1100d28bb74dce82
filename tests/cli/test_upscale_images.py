"""`uprez upscale` on images, alone and numbered."""

from pathlib import Path

import numpy as np
import pytest

from tests import clips, images
from tests.cli.conftest import Call

FAST = ("--model", "identity", "--backend", "onnx")


def test_folder_by_another_name_is_recognised_as_the_input(uprez: Call, tmp_path: Path) -> None:
    before = images.read(images.sequence(tmp_path / "in", [1, 2]) and tmp_path / "in" / "001.png")
    (tmp_path / "alias").symlink_to(tmp_path / "in")
    ended = uprez("upscale", tmp_path / "in" / "%03d.png", tmp_path / "alias" / "%03d.png", "--overwrite", *FAST)
    assert ended.code == 2
    assert "is the sequence that is read" in ended.err
    assert np.array_equal(images.read(tmp_path / "in" / "001.png"), before)


def test_truncated_jpeg_is_reported(uprez: Call, tmp_path: Path) -> None:
    path = images.write(tmp_path / "a.jpg", images.samples(1, (320, 240)))
    path.write_bytes(path.read_bytes()[:-200])
    ended = uprez("upscale", path, *FAST)
    assert ended.code == 3
    assert "1 frame of the source is damaged" in ended.err


def test_output_of_an_image_has_its_format(uprez: Call, tmp_path: Path) -> None:
    for suffix in (".png", ".tif"):
        path = images.write(tmp_path / f"photo{suffix}", images.samples(3, deep=True))
        assert uprez("upscale", path, "--model", "identity", "--backend", "onnx").code == 0
        assert np.array_equal(images.read(tmp_path / f"photo.x1{suffix}"), images.samples(3, deep=True))


def test_output_name_decides_the_format_of_an_image(uprez: Call, tmp_path: Path) -> None:
    path = images.write(tmp_path / "photo.png", images.samples(3))
    assert uprez("upscale", path, tmp_path / "out.webp", *FAST).code == 0
    assert np.array_equal(images.read(tmp_path / "out.webp"), images.samples(3))


def test_sequence_becomes_a_video_and_a_sequence_again(uprez: Call, tmp_path: Path) -> None:
    pattern = images.sequence(tmp_path / "in", [1, 2, 4])
    ended = uprez("upscale", pattern, tmp_path / "film.mkv", *FAST, "--codec", "ffv1")
    assert ended.code == 0
    assert "number 3 is missing (of 1 to 4)" in ended.err
    assert clips.video_times(tmp_path / "film.mkv") == [0, pytest.approx(0.04), pytest.approx(0.12)]
    assert uprez("upscale", tmp_path / "film.mkv", tmp_path / "out%d.png", *FAST).code == 0
    for number, before in ((1, 1), (2, 2), (3, 4)):
        assert np.array_equal(images.read(tmp_path / f"out{number}.png"), images.samples(before))


def test_sequence_becomes_a_sequence(uprez: Call, tmp_path: Path) -> None:
    pattern = images.sequence(tmp_path, [1, 2, 4])
    assert uprez("upscale", pattern, *FAST).code == 0
    assert sorted(file.name for file in tmp_path.glob("*.x1.png")) == ["001.x1.png", "002.x1.png", "004.x1.png"]
    again = uprez("upscale", pattern, *FAST)
    assert again.code == 2
    assert "3 images of this pattern exist; --overwrite replaces them" in again.err
    assert uprez("upscale", pattern, pattern, *FAST, "--overwrite").code == 2
    assert np.array_equal(images.read(tmp_path / "004.png"), images.samples(4))


def test_unreadable_images_of_a_sequence_are_skipped_and_reported(uprez: Call, tmp_path: Path) -> None:
    pattern = images.sequence(tmp_path, [1, 2, 3, 4])
    (tmp_path / "001.png").write_bytes(b"")
    (tmp_path / "003.png").write_text("no picture")
    ended = uprez("upscale", pattern, tmp_path / "out%d.png", *FAST)
    assert ended.code == 3
    assert "2 frames of the source can't be decoded or are missing" in ended.err
    assert sorted(file.name for file in tmp_path.glob("out*")) == ["out2.png", "out4.png"]


def test_pattern_includes_images_and_a_folder_does_not(uprez: Call, tmp_path: Path) -> None:
    images.sequence(tmp_path / "in", [1, 2])
    assert uprez("upscale", tmp_path / "in" / "*.png", "--to", tmp_path / "out", *FAST).code == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["001.x1.png", "002.x1.png"]
    ended = uprez("upscale", tmp_path / "in", *FAST)
    assert ended.code == 2
    assert "no video there" in ended.err
    assert f"but 2 images are there: '{tmp_path}/in/*' upscales each" in ended.err


def test_images_beside_videos_in_a_folder_are_skipped_with_a_note(uprez: Call, clip: Path, tmp_path: Path) -> None:
    images.sequence(tmp_path / "in", [1])
    (tmp_path / "in" / "film.mp4").symlink_to(clip)
    ended = uprez("upscale", tmp_path / "in", "--to", tmp_path / "out", *FAST)
    assert ended.code == 0
    assert f"1 image is skipped: '{tmp_path}/in/*' upscales each" in ended.err


def test_folder_without_videos_is_an_error_beside_other_sources(uprez: Call, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = uprez("upscale", tmp_path / "empty", clip, "--to", tmp_path, *FAST)
    assert ended.code == 2
    assert f"{tmp_path}/empty: no video there" in ended.err


def test_video_into_one_image_is_refused(uprez: Call, clip: Path, tmp_path: Path) -> None:
    ended = uprez("upscale", clip, tmp_path / "out.png", *FAST)
    assert ended.code == 2
    assert f"is a single image, and there are 12 frames; {tmp_path}/out%05d.png stores each as one" in ended.err


def test_numbered_output_that_is_no_image_is_refused(uprez: Call, clip: Path, tmp_path: Path) -> None:
    ended = uprez("upscale", clip, tmp_path / "out%05d.gif", *FAST)
    assert ended.code == 2
    assert "only still images can be numbered" in ended.err
