"""PyAV's errors become one line that names the file and says what to do."""

import errno
from pathlib import Path

import av.error
import pytest

from pipeline.errors import InputError, OutputError
from pipeline.media.av_errors import translate_read_errors, translate_write_errors


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (av.error.FileNotFoundError, "no such file"),
        (av.error.PermissionError, "can't be read, permission denied: check its permissions"),
        (av.error.IsADirectoryError, "is a folder, not a file"),
        (av.error.ProtocolNotFoundError, "as FFmpeg says it"),
    ],
)
def test_read_error_names_the_file_and_the_reason(error: type[av.error.FFmpegError], message: str) -> None:
    with pytest.raises(InputError) as raised, translate_read_errors(Path("in.mkv")):
        raise error(1, "as FFmpeg says it")
    assert str(raised.value) == f"in.mkv: {message}"
    assert isinstance(raised.value.__cause__, error)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"\0\0\0\x18ftypisom", "has no index, without which no frame can be located"),
        (b"\0\0\0\x18ftypavif", "is not a video that can be read"),
        (b"\xef\xbb\xbf#EXTM3U\n", "is a playlist, which can name any other file"),
        (b"ffconcat version 1.0", "is a concat script"),
        (b"<?xml version='1.0'?>", "is an XML file"),
        (b"v=0\no=- 0 0 IN", "is an SDP file"),
        (b"hello", "is not a video that can be read"),
    ],
)
def test_invalid_data_is_explained_by_the_first_bytes(tmp_path: Path, head: bytes, reason: str) -> None:
    path = tmp_path / "in.mp4"
    path.write_bytes(head)
    with pytest.raises(InputError, match=reason), translate_read_errors(path):
        raise av.error.InvalidDataError(1, "no")


def test_invalid_data_in_an_open_file_is_damage_at_a_place() -> None:
    with (
        pytest.raises(InputError, match=r"^in\.mkv: is damaged at its beginning: no$"),
        translate_read_errors(Path("in.mkv"), "at its beginning"),
    ):
        raise av.error.InvalidDataError(1, "no")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "the disk is full: free some space or write elsewhere"),
        (errno.ENOENT, "the folder folder does not exist: make it first"),
        (errno.EROFS, "the folder folder is not writable: check its permissions or write elsewhere"),
        (errno.EIO, "the text of the system"),
    ],
)
def test_write_error_says_what_to_do(number: int, message: str) -> None:
    path = Path("folder/out.mkv")
    with pytest.raises(OutputError) as raised, translate_write_errors(path):
        raise OSError(number, "the text of the system")
    assert str(raised.value) == f"{path}: {message}"
