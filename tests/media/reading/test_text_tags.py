"""Tags that are not UTF-8 are read, shown and written, wherever files are opened."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.reading.input_container import open_input
from pipeline.media.reading.probe import probe
from pipeline.media.reading.text_tags import decode_text, read_chapters
from pipeline.verification.compare import verify
from tests.jobs import upscale

LATIN = "Crème brûlée"


def with_latin_bytes(path: Path) -> Path:
    """Replace the placeholder of each letter, which has one byte, by its byte in Latin-1: the sizes stay the same."""
    content = path.read_bytes()
    assert b"Cr~me br^l~e" in content
    path.write_bytes(content.replace(b"Cr~me br^l~e", LATIN.encode("latin-1")))
    return path


@pytest.fixture(params=[".avi", ".mkv", ".mp4"])
def latin(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A clip whose title, and in Matroska whose chapter, are in Latin-1."""
    path = tmp_path / f"latin{request.param}"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 64, 48
        target.metadata["title"] = "Cr~me br^l~e"
        if request.param != ".avi":
            tags = {"title": "Cr~me br^l~e"}
            chapter: Any = {"id": 1, "start": 0, "end": 10, "time_base": Fraction(1, 25), "metadata": tags}
            target.set_chapters([chapter])
        for frame in [av.VideoFrame(64, 48, "yuv420p") for _ in range(12)]:
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return with_latin_bytes(path)


def test_a_title_in_latin_1_is_read_and_carried(latin: Path, tmp_path: Path) -> None:
    assert probe(latin).metadata["title"] == LATIN
    result = upscale(latin, tmp_path / "out.mkv")
    with open_input(result.path) as output:
        assert output.metadata["title"] == LATIN
        assert {chapter["metadata"]["title"] for chapter in read_chapters(output)} <= {LATIN}
    assert verify(latin, result.path).complete


def test_bytes_without_meaning_in_cp1252_are_kept_as_latin_1() -> None:
    assert decode_text("a\udc81\udc80") == "a\x81\x80"
    assert decode_text("日本 \udce8") == "日本 è"


@given(st.binary())
def test_any_bytes_become_text_that_can_be_encoded(data: bytes) -> None:
    decode_text(data.decode(errors="surrogateescape")).encode()


@given(st.text())
def test_text_that_is_utf_8_is_unchanged(text: str) -> None:
    assert decode_text(text.encode().decode(errors="surrogateescape")) == text
