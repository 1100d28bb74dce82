"""Side data of any kind is read, around the defects of PyAV's."""

import gc
import zlib
from pathlib import Path

import av
import pytest

from pipeline.media.reading.probe import probe
from pipeline.media.reading.side_data import has_icc_profile, read_side_data
from tests import hdr_clips, images

NAMED_PROFILE = b"a name\0\0" + zlib.compress(bytes(200))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


@pytest.fixture
def profiled(tmp_path: Path) -> Path:
    """A PNG with an ICC profile, which has a name."""
    path = images.write(tmp_path / "photo.png", images.samples(1))
    content = path.read_bytes()
    head = 8 + 25  # signature and IHDR
    path.write_bytes(content[:head] + _chunk(b"iCCP", NAMED_PROFILE) + content[head:])
    return path


def first_frame(path: Path) -> av.VideoFrame:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def test_named_icc_profile_is_found_without_a_crash(profiled: Path) -> None:
    frame = first_frame(profiled)
    assert has_icc_profile(frame)
    assert read_side_data(frame, "DISPLAYMATRIX") is None
    del frame
    gc.collect()  # would free the profile's name twice
    assert probe(profiled).video.display_matrix is None


def test_image_without_an_icc_profile_has_none(tmp_path: Path) -> None:
    assert not has_icc_profile(first_frame(images.write(tmp_path / "photo.png", images.samples(1))))


def test_only_existing_side_data_is_returned(tmp_path: Path) -> None:
    frame = first_frame(hdr_clips.graded(tmp_path / "graded.mkv"))
    assert read_side_data(frame, "CONTENT_LIGHT_LEVEL") is not None
    assert read_side_data(frame, "DISPLAYMATRIX") is None
