"""Whether a file ends where its container says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.reading import truncation
from tests import clips

KINDS = [(".mp4", "mov,mp4,m4a,3gp,3g2,mj2"), (".mkv", "matroska,webm"), (".ts", "mpegts"), (".avi", "avi")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("whole")
    return {suffix: clips.make(folder / f"clip{suffix}", sound=False) for suffix, _ in KINDS}


@pytest.mark.parametrize(("suffix", "container"), KINDS)
def test_nothing_is_missing_of_a_whole_file(whole: dict[str, Path], suffix: str, container: str) -> None:
    assert truncation.missing(whole[suffix], container) == 0


@pytest.mark.parametrize(("suffix", "container"), KINDS)
@pytest.mark.parametrize("lost", [1, 100, 187])
def test_what_is_missing_is_counted(
    whole: dict[str, Path], tmp_path: Path, suffix: str, container: str, lost: int
) -> None:
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole[suffix].read_bytes()[:-lost])
    assert truncation.missing(cut, container) == lost


def test_a_recording_that_ends_with_a_packet_tells_nothing(whole: dict[str, Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole[".ts"].read_bytes()[: 188 * 7])
    assert truncation.missing(cut, "mpegts") == 0


def test_a_segment_of_unknown_length_tells_nothing(whole: dict[str, Path], tmp_path: Path) -> None:
    content = whole[".mkv"].read_bytes()
    at = content.index(bytes.fromhex("18538067")) + 4
    live = tmp_path / "live.mkv"
    live.write_bytes(content[:at] + bytes.fromhex("01ffffffffffffff") + content[at + 8 : -50])
    assert truncation.missing(live, "matroska,webm") == 0


@given(content=st.binary(max_size=300), container=st.sampled_from([kind for _, kind in KINDS] + ["h264"]))
def test_any_bytes_are_looked_at_without_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, container: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    assert truncation.missing(path, container) >= 0
