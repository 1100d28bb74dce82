"""Side data of any kind is read, around the defects of PyAV's."""

import gc
import zlib
from pathlib import Path
from typing import Any, cast

import av
import pytest

from pipeline.media.reading import side_data
from pipeline.media.reading.probe import probe
from pipeline.media.reading.side_data import has_side_data, read_captions, read_side_data
from tests import hdr_clips, images
from tests.cases import streams

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
    assert has_side_data(frame, "ICC_PROFILE")
    assert read_side_data(frame, "DISPLAYMATRIX") is None
    del frame
    gc.collect()  # would free the profile's name twice
    assert probe(profiled).video.display_matrix is None


def test_image_without_an_icc_profile_has_none(tmp_path: Path) -> None:
    frame = first_frame(images.write(tmp_path / "photo.png", images.samples(1)))
    assert not has_side_data(frame, "ICC_PROFILE")


def test_only_existing_side_data_is_returned(tmp_path: Path) -> None:
    frame = first_frame(hdr_clips.graded(tmp_path / "graded.mkv"))
    assert read_side_data(frame, "CONTENT_LIGHT_LEVEL") is not None
    assert read_side_data(frame, "DISPLAYMATRIX") is None


class CaptionedFrame:
    """A stand-in for a frame, of which PyAV lists no side data as it does not know one of its types."""

    def __init__(self, sw_format: str | None) -> None:
        self.sw_format = sw_format

    @property
    def side_data(self) -> dict[str, bytes]:
        raise ValueError("29 is not a valid Type")


def test_captions_of_a_frame_with_unknown_side_data_are_read_by_a_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_data, "read_side_data", lambda frame, name: memoryview(b"abc"))
    assert read_captions(cast("Any", CaptionedFrame(None)), "hevc") == b"abc"
    assert read_captions(cast("Any", CaptionedFrame("nv12")), "hevc") == b""


def test_codecs_without_captions_are_not_asked_for_any() -> None:
    assert read_captions(cast("Any", CaptionedFrame(None)), "png") == b""


def test_captions_of_a_broadcast_are_read(tmp_path: Path) -> None:
    streams.captions.make(tmp_path)
    with av.open(str(tmp_path / streams.captions.name)) as container:
        found = [read_captions(frame, "h264") for frame in container.decode(video=0)]
    assert len([captions for captions in found if captions]) == 24
