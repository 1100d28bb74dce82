"""The arguments of `uprez upscale` become inputs, each with the location of its output."""

from pathlib import Path

import pytest

from pipeline.cli.inputs import JobInput, resolve_inputs
from pipeline.errors import InputError, SettingsError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two videos, one of them in a folder within, an earlier output, an image and a text."""
    for name in ("a.mp4", "extras/b.mkv", "a.x2.mkv", "photo.png", "notes.txt"):
        path = tmp_path / "season" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "season"


def test_one_file_is_named_and_a_second_argument_is_its_output() -> None:
    assert resolve_inputs(["a.mp4"], None) == [JobInput(Path("a.mp4"), named=True)]
    assert resolve_inputs(["a.mp4", "b.mkv"], None) == [JobInput(Path("a.mp4"), file=Path("b.mkv"), named=True)]


def test_several_files_have_their_outputs_in_the_folder() -> None:
    to = Path("out")
    assert resolve_inputs(["a.mp4", "b.mp4"], to) == [JobInput(Path("a.mp4"), to), JobInput(Path("b.mp4"), to)]
    assert resolve_inputs(["a.mp4"], to) == [JobInput(Path("a.mp4"), to, named=True)]


def test_folder_means_the_videos_in_it_and_their_outputs_keep_their_folders(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "out"
    assert resolve_inputs([str(folder)], to) == [
        JobInput(folder / "a.mp4", to),
        JobInput(folder / "extras" / "b.mkv", to / "extras"),
    ]
    notes = capsys.readouterr().err
    assert f"{folder}/a.x2.mkv: skipped, its name is that of an earlier output" in notes
    assert f"{folder}: 1 image is skipped: '{folder}/*' upscales each" in notes


def test_files_in_which_macos_stores_attributes_are_no_inputs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    attributes = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
    for name in ("._a.mp4", "extras/._b.mkv", "._photo.png"):
        (folder / name).write_bytes(attributes)
    (folder / "._video.mp4").write_bytes(b"\x00\x00\x00\x18ftyp")
    expected = [folder / "._video.mp4", folder / "a.mp4", folder / "extras" / "b.mkv"]
    assert [each.source for each in resolve_inputs([str(folder)], None)] == expected
    assert f"{folder}: 1 image is skipped" in capsys.readouterr().err
    assert [each.source for each in resolve_inputs([f"{folder}/._*"], None)] == [folder / "._video.mp4"]


def test_pattern_means_videos_and_images(folder: Path) -> None:
    assert resolve_inputs([f"{folder}/*"], None) == [
        JobInput(folder / "a.mp4"),
        JobInput(folder / "extras" / "b.mkv"),
        JobInput(folder / "photo.png"),
    ]


def test_folder_of_outputs_that_is_a_file_is_refused(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"^`to` .*notes.txt: is a file, not a folder"):
        resolve_inputs(["a.mp4"], folder / "notes.txt")


def test_folder_without_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no video there"):
        resolve_inputs([str(tmp_path)], None)


def test_names_longer_than_those_of_files_are_left_to_what_opens_them() -> None:
    name, pattern = "x" * 300, f"{'x' * 300}[1].mp4"
    assert [job.source for job in resolve_inputs([name], None)] == [Path(name)]
    assert [job.file for job in resolve_inputs([name, name], None)] == [Path(name)]
    with pytest.raises(InputError):
        resolve_inputs([pattern], None)
