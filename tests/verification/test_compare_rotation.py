"""Rotated outputs, by tag or by rotated frames, and faults of both."""

from pathlib import Path

import pytest

from pipeline import verify
from tests import rotated
from tests.jobs import upscale
from tests.verification import plants


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return rotated.with_matrix(
        plants.write(tmp_path / "upright.mp4", range(6)), tmp_path / "source.mp4", rotated.QUARTER
    )


def kinds(source: Path, result: Path, quick: bool = False) -> set[str]:
    return {fault.kind for fault in verify(source, result, quick=quick).faults}


@pytest.mark.parametrize("matrix", rotated.MATRICES)
@pytest.mark.parametrize("name", ["out.mkv", "out.mp4", "out%03d.png"])
def test_a_rotated_output_is_complete(tmp_path: Path, matrix: rotated.Matrix, name: str) -> None:
    source = rotated.with_matrix(plants.write(tmp_path / "upright.mp4", range(6)), tmp_path / "in.mp4", matrix)
    verdict = verify(source, upscale(source, tmp_path / name).path)
    assert verdict.faults == ()
    assert not [remark for remark in verdict.remarks if "times as wide" in remark]


def test_an_output_that_is_rotated_twice_is_found(source: Path, tmp_path: Path) -> None:
    result = upscale(source, tmp_path / "out.mkv").path
    assert kinds(source, rotated.with_matrix(result, tmp_path / "twice.mp4", rotated.QUARTER)) == {
        "picture",
        "rotation",
    }


def test_an_output_rotated_in_the_wrong_direction_is_found(source: Path, tmp_path: Path) -> None:
    wrong = rotated.with_matrix(source, tmp_path / "wrong.mp4", rotated.MIRRORED)
    (fault, *_) = [fault for fault in verify(source, wrong).faults if fault.kind == "rotation"]
    assert fault.message == "players show it mirrored, the source rotated by 90 degrees"


def test_an_output_that_is_not_rotated_is_found(source: Path, tmp_path: Path) -> None:
    lost = rotated.with_matrix(source, tmp_path / "lost.mp4", rotated.UPRIGHT)
    assert kinds(source, lost) == {"picture", "rotation"}
    assert kinds(source, lost, quick=True) == {"rotation"}
    half = rotated.with_matrix(source, tmp_path / "half.mp4", rotated.HALF)
    assert "picture" in kinds(half, lost)  # which no size tells


def test_a_dropped_tag_of_an_odd_angle_is_found(tmp_path: Path) -> None:
    odd = (46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30)
    source = rotated.with_matrix(plants.write(tmp_path / "upright.mp4", range(6)), tmp_path / "in.mp4", odd)
    assert kinds(source, upscale(source, tmp_path / "out.mkv").path) == set()
    assert kinds(source, upscale(source, tmp_path / "out.nut").path) == {"rotation"}
