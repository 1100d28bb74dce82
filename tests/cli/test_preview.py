"""`uprez preview`: an image beside the source."""

from pathlib import Path

import cv2
import pytest

from tests.cli.conftest import Call

OPTIONS = ("--model", "identity", "--backend", "onnx")


def test_image_is_written_beside_the_source(uprez: Call, clip: Path) -> None:
    ended = uprez("preview", clip, "--at", "0.2", *OPTIONS)
    image = clip.with_name("clip.preview.png")
    assert (ended.code, ended.out) == (0, f"{image}\n")
    written = cv2.imread(str(image))
    assert written is not None
    assert written.shape == (48 + 26, 2 * 64 + 2, 3)


def test_image_has_the_name_that_is_given(uprez: Call, clip: Path, tmp_path: Path) -> None:
    assert uprez("preview", clip, tmp_path / "a.png", *OPTIONS).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "clip.mp4"]


def test_an_existing_image_is_replaced_only_on_request(uprez: Call, clip: Path) -> None:
    image = clip.with_name("clip.preview.png")
    image.write_bytes(b"mine")
    ended = uprez("preview", clip, *OPTIONS)
    assert (ended.code, ended.err) == (2, f"uprez: {image}: exists already; --overwrite replaces it\n")
    assert image.read_bytes() == b"mine"
    assert uprez("preview", clip, *OPTIONS, "--overwrite").code == 0
    assert image.read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--at", "9"), "has no frame from 9 s on, it ends after 0.48 s: choose an earlier time"),
        (("--at", "x"), "--at x: should be a time such as 90"),
        (("--model", "nonsense"), "no model called 'nonsense'"),
    ],
)
def test_an_invalid_request_is_one_line_and_writes_nothing(
    uprez: Call, clip: Path, options: tuple[str, ...], message: str
) -> None:
    ended = uprez("preview", clip, *OPTIONS, *options)
    assert (ended.code, message in ended.err, len(ended.err.splitlines())) == (2, True, 1)
    assert list(clip.parent.iterdir()) == [clip]


@pytest.mark.parametrize("folder", [".", ".."])
def test_a_folder_is_refused_in_one_line(uprez: Call, folder: str) -> None:
    ended = uprez("preview", folder, *OPTIONS)
    assert (ended.code, ended.err) == (2, f"uprez: {folder}: is a folder; give the name of a file\n")
