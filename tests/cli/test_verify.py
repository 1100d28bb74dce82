"""`uprez verify`: its output and its exit codes."""

import json
from pathlib import Path

import pytest

from tests import remux
from tests.cli.conftest import Call
from tests.jobs import upscale
from tests.verification import plants
from tests.verification.plants import FRAMES, STEP


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return plants.write(tmp_path / "source.mkv")


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """An output without frame 9."""
    kept = [index for index in range(FRAMES) if index != 9]
    return plants.write(tmp_path / "short.mkv", kept, [STEP * index for index in kept])


def test_complete_output_exits_with_0(uprez: Call, source: Path, tmp_path: Path) -> None:
    result = plants.write(tmp_path / "out.mkv", scale=2)
    ended = uprez("verify", source, result)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"complete: {result}, 24 of 24 frames, every frame and packet compared\n"


def test_missing_frame_is_reported_and_exits_with_3(uprez: Call, source: Path, short: Path) -> None:
    ended = uprez("verify", source, short)
    assert ended.code == 3
    assert ended.out.splitlines() == [
        "frame-lost: 1 frame is missing, at 0.360 s (frame 9)",
        f"not complete: {short}, 23 of 24 frames, every frame and packet compared",
    ]


def test_quick_compares_packets_only(uprez: Call, source: Path, short: Path) -> None:
    ended = uprez("verify", source, short, "--quick")
    assert (ended.code, "packets and timestamps compared, no frames" in ended.out) == (3, True)


def test_verdict_is_printed_as_json(uprez: Call, source: Path, short: Path) -> None:
    ended = uprez("verify", source, short, "--json")
    report = json.loads(ended.out)
    assert ended.code == 3
    assert (report["schema_version"], report["whole"], report["counts"]["lost"]) == (1, False, 1)
    assert report["faults"][0]["kind"] == "frame-lost"


def test_output_of_a_damaged_source_is_reported_as_such(uprez: Call, source: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(source.read_bytes()[:-2000])
    result = upscale(cut, tmp_path / "out.mkv").path
    ended = uprez("verify", cut, result)
    frames = json.loads(uprez("verify", cut, result, "--json").out)["counts"]["result"]
    assert (ended.code, 0 < frames < FRAMES) == (3, True)
    last = f"not complete: {result}, all {frames} frames that can be decoded of a damaged source"
    assert ended.out.splitlines()[-1] == last


@pytest.mark.parametrize(("arguments", "which"), [(("-", "x.mkv"), "source"), (("x.mkv", "-"), "output")])
def test_pipes_are_refused(uprez: Call, arguments: tuple[str, str], which: str) -> None:
    ended = uprez("verify", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"uprez: verify reads files, not pipes: save the {which} as a file first\n"


def test_frames_missing_in_many_places_are_one_line(uprez: Call, tmp_path: Path) -> None:
    source = plants.write(tmp_path / "long.mkv", range(60))
    kept = range(0, 60, 2)
    result = plants.write(tmp_path / "holes.mkv", kept, [STEP * index for index in kept])
    first, *_ = lines = uprez("verify", source, result).out.splitlines()
    assert first == "frame-lost: 30 frames are missing in 30 places, the first at 0.040 s (frame 1)"
    assert len([line for line in lines if line.startswith("frame-lost")]) == 1


def test_lines_per_kind_of_fault_are_limited(uprez: Call, tmp_path: Path) -> None:
    tags = {f"tag{number}": "kept" for number in range(30)}
    source = remux.write_source(tmp_path / "in.mkv", metadata=tags)
    bare = plants.copy(source, tmp_path / "out.mkv", metadata={})
    lines = uprez("verify", source, bare).out.splitlines()
    assert len([line for line in lines if line.startswith("metadata: the tag")]) == 20
    assert "metadata: and 10 more" in lines


def test_excerpt_of_a_source_is_compared(uprez: Call, source: Path, tmp_path: Path) -> None:
    part = plants.write(tmp_path / "part.mkv", range(5, 15))
    assert uprez("verify", source, part, "--start", "0.2", "--end", "0:00.6").code == 0
    assert uprez("verify", source, part, "--start", "0.2", "--frames", "10").code == 0
    assert uprez("verify", source, part, "--start", "0.2", "--frames", "11").code == 3
    assert uprez("verify", source, part, "--frames", "9", "--quick").code == 2


def test_video_stream_that_does_not_exist_is_refused(uprez: Call, source: Path) -> None:
    ended = uprez("verify", source, source, "--video-stream", "3")
    assert (ended.code, "--video-stream 3 is not one of its video streams: 0" in ended.err) == (2, True)


@pytest.mark.parametrize("broken", [0, 1])
def test_file_that_does_not_exist_exits_with_2(uprez: Call, source: Path, tmp_path: Path, broken: int) -> None:
    files = [source, source]
    files[broken] = tmp_path / "nothing.mkv"
    ended = uprez("verify", *files)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"uprez: {files[broken]}: no such file\n"
