"""Cover art is recognised, read, and named as an attachment."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from av.stream import Disposition

from pipeline.media.writing.cover import is_cover, is_thumbnail, name_and_type, read_cover
from tests import remux

IMAGE = bytes.fromhex(  # a PNG of one pixel
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8d"
    "b00000000049454e44ae426082"
)


@pytest.mark.parametrize(
    ("disposition", "cover", "thumbnail"),
    [
        (Disposition.attached_pic, True, False),
        (Disposition.attached_pic | Disposition.timed_thumbnails, False, True),
        (Disposition.default, False, False),
    ],
)
def test_chapter_thumbnails_are_no_cover_art(disposition: Disposition, cover: bool, thumbnail: bool) -> None:
    stream = SimpleNamespace(disposition=disposition)
    assert (is_cover(stream), is_thumbnail(stream)) == (cover, thumbnail)


def test_cover_art_is_read_as_an_image_file(tmp_path: Path) -> None:
    path = remux.write_source(tmp_path / "in.mkv", remux.attached("cover.png", "image/png", IMAGE))
    assert read_cover(path, 1) == IMAGE


@pytest.mark.parametrize(
    ("codec", "metadata", "expected"),
    [
        ("mjpeg", {}, ("cover.jpg", "image/jpeg")),
        ("png", {"filename": "front.png"}, ("front.png", "image/png")),
        ("webp", {"mimetype": "image/x-webp"}, ("cover.webp", "image/x-webp")),
        ("jpegxl", {}, ("cover.jpegxl", "image/jpegxl")),
    ],
)
def test_an_attachment_has_the_name_and_type_of_its_codec(
    codec: str, metadata: dict[str, str], expected: tuple[str, str]
) -> None:
    assert name_and_type(codec, metadata) == expected
