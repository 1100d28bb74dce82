"""Bytes that are missing at the end of a file are counted by the structure of its container."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.reading import truncation
from tests import clips

KINDS = [(".mp4", "mov,mp4,m4a,3gp,3g2,mj2"), (".mkv", "matroska,webm"), (".ts", "mpegts"), (".avi", "avi")]


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("intact")
    return {suffix: clips.make(folder / f"clip{suffix}", audio=False) for suffix, _ in KINDS}


@pytest.mark.parametrize(("suffix", "container"), KINDS)
def test_intact_file_has_no_missing_bytes(intact: dict[str, Path], suffix: str, container: str) -> None:
    assert truncation.missing_bytes(intact[suffix], container) == 0


@pytest.mark.parametrize(("suffix", "container"), KINDS)
@pytest.mark.parametrize("lost", [1, 100, 187])
def test_missing_bytes_are_counted(
    intact: dict[str, Path], tmp_path: Path, suffix: str, container: str, lost: int
) -> None:
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(intact[suffix].read_bytes()[:-lost])
    assert truncation.missing_bytes(cut, container) == lost


def test_wmv_declares_its_size(tmp_path: Path) -> None:
    options = {"qmin": "2"}
    path = clips.make(tmp_path / "clip.wmv", codec="wmv2", audio=False, options=options, time_base=Fraction(1, 1000))
    assert truncation.missing_bytes(path, "asf") == 0
    path.write_bytes(path.read_bytes()[:-40])
    assert truncation.missing_bytes(path, "asf") == 40


@pytest.mark.parametrize(("end", "missing"), [(b";", 0), (b";\0\0", 0), (b"\x2c", 1)])
def test_gif_ends_with_its_trailer(tmp_path: Path, end: bytes, missing: int) -> None:
    path = tmp_path / "clip.gif"
    path.write_bytes(b"GIF89a" + bytes(100) + end)
    assert truncation.missing_bytes(path, "gif") == missing


@pytest.mark.parametrize(("flags", "missing"), [(4, 0), (0, 1)])
def test_last_page_of_an_ogg_file_is_marked(tmp_path: Path, flags: int, missing: int) -> None:
    path = tmp_path / "clip.ogv"
    path.write_bytes(b"OggS\0\2" + bytes(50) + b"OggS\0" + bytes([flags]) + bytes(50))
    assert truncation.missing_bytes(path, "ogg") == missing


def test_length_of_a_piped_stream_is_declared_in_its_head(intact: dict[str, Path]) -> None:
    content = intact[".mkv"].read_bytes()
    assert truncation.missing_bytes_of_pipe(content[:500], len(content), "matroska,webm") == 0
    assert truncation.missing_bytes_of_pipe(content[:500], len(content) - 70, "matroska,webm") == 70
    assert truncation.missing_bytes_of_pipe(b"GIF89a", 6, "gif") == 0


def test_transport_stream_that_ends_with_a_packet_is_not_truncated(intact: dict[str, Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.ts"
    cut.write_bytes(intact[".ts"].read_bytes()[: 188 * 7])
    assert truncation.missing_bytes(cut, "mpegts") == 0


def test_segment_of_unknown_length_is_not_truncated(intact: dict[str, Path], tmp_path: Path) -> None:
    content = intact[".mkv"].read_bytes()
    at = content.index(bytes.fromhex("18538067")) + 4
    live = tmp_path / "live.mkv"
    live.write_bytes(content[:at] + bytes.fromhex("01ffffffffffffff") + content[at + 8 : -50])
    assert truncation.missing_bytes(live, "matroska,webm") == 0


@given(content=st.binary(max_size=300), container=st.sampled_from([kind for _, kind in KINDS] + ["h264"]))
def test_any_bytes_are_examined_without_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, container: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    assert truncation.missing_bytes(path, container) >= 0
