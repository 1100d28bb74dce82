"""What lies beside a frame's samples, of any kind, is read without harm."""

import gc
import zlib
from pathlib import Path

import av
import pytest

from pipeline.media.reading.probe import probe
from pipeline.media.reading.side_data import has_icc_profile, read_side_data
from tests import hdr_clips, images

NAMED = b"a name\0\0" + zlib.compress(bytes(200))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


@pytest.fixture
def profiled(tmp_path: Path) -> Path:
    """A PNG with an ICC profile, which has a name."""
    path = images.write(tmp_path / "photo.png", images.samples(1))
    content = path.read_bytes()
    head = 8 + 25  # signature and IHDR
    path.write_bytes(content[:head] + _chunk(b"iCCP", NAMED) + content[head:])
    return path


def _first(path: Path) -> av.VideoFrame:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def test_a_named_profile_is_found_and_does_no_harm(profiled: Path) -> None:
    frame = _first(profiled)
    assert has_icc_profile(frame)
    assert read_side_data(frame, "DISPLAYMATRIX") is None
    del frame
    gc.collect()  # which freed its name twice
    assert probe(profiled).video.display_matrix is None


def test_a_picture_without_a_profile_has_none(tmp_path: Path) -> None:
    assert not has_icc_profile(_first(images.write(tmp_path / "photo.png", images.samples(1))))


def test_what_is_asked_for_is_given(tmp_path: Path) -> None:
    frame = _first(hdr_clips.graded(tmp_path / "graded.mkv"))
    assert read_side_data(frame, "CONTENT_LIGHT_LEVEL") is not None
    assert read_side_data(frame, "DISPLAYMATRIX") is None
