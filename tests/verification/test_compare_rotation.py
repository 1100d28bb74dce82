"""A turned result beside its source: by its tag or by its pixels, and what goes wrong with both."""

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


def kinds(source: Path, result: Path, **options: bool) -> set[str]:
    return {fault.kind for fault in verify(source, result, **options).faults}


@pytest.mark.parametrize("matrix", rotated.MATRICES)
@pytest.mark.parametrize("name", ["out.mkv", "out.mp4", "out%03d.png"])
def test_a_turned_result_is_whole(tmp_path: Path, matrix: rotated.Matrix, name: str) -> None:
    source = rotated.with_matrix(plants.write(tmp_path / "upright.mp4", range(6)), tmp_path / "in.mp4", matrix)
    verdict = verify(source, upscale(source, tmp_path / name).path)
    assert verdict.faults == ()
    assert not [remark for remark in verdict.remarks if "times as wide" in remark]


def test_a_result_that_is_turned_twice(source: Path, tmp_path: Path) -> None:
    result = upscale(source, tmp_path / "out.mkv").path
    assert kinds(source, rotated.with_matrix(result, tmp_path / "twice.mp4", rotated.QUARTER)) == {
        "picture",
        "rotation",
    }


def test_a_result_that_is_turned_the_wrong_way(source: Path, tmp_path: Path) -> None:
    wrong = rotated.with_matrix(source, tmp_path / "wrong.mp4", rotated.MIRRORED)
    (fault, *_) = [fault for fault in verify(source, wrong).faults if fault.kind == "rotation"]
    assert fault.message == "players show it mirrored, the source rotated by 90 degrees"


def test_a_result_that_is_not_turned_at_all(source: Path, tmp_path: Path) -> None:
    lost = rotated.with_matrix(source, tmp_path / "lost.mp4", rotated.UPRIGHT)
    assert kinds(source, lost) == {"picture", "rotation"}
    assert kinds(source, lost, quick=True) == {"rotation"}
    half = rotated.with_matrix(source, tmp_path / "half.mp4", rotated.HALF)
    assert "picture" in kinds(half, lost)  # which no size tells


def test_an_odd_angle_must_stay(tmp_path: Path) -> None:
    odd = (46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30)
    source = rotated.with_matrix(plants.write(tmp_path / "upright.mp4", range(6)), tmp_path / "in.mp4", odd)
    assert kinds(source, upscale(source, tmp_path / "out.mkv").path) == set()
    assert kinds(source, upscale(source, tmp_path / "out.nut").path) == {"rotation"}
