"""Outputs of interlaced sources: a frame for each frame, or for each field."""

from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.verification.compare import verify
from tests import interlaced
from tests.jobs import upscale

COUNT = 30


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty frames, top field first."""
    return interlaced.write(tmp_path_factory.mktemp("source") / "source.mkv", interlaced.video(COUNT), "tff")


def moments(*order: int) -> list[interlaced.Luma]:
    return [interlaced.luma_at(moment) for moment in order]


def result(path: Path, shown: list[interlaced.Luma], rate: int = 50) -> Path:
    """Write an output as another program would."""
    return interlaced.write(path / "result.mkv", shown, codec="libx264", rate=Fraction(rate), crf="8")


def kinds(source: Path, result: Path, **options: object) -> set[str]:
    return {fault.kind for fault in verify(source, result, **options).faults}  # type: ignore[arg-type]


def test_a_frame_for_each_field_is_complete_in_any_mode(source: Path, tmp_path: Path) -> None:
    output = result(tmp_path, moments(*range(2 * COUNT)))
    assert verify(source, output).complete
    assert verify(source, output, quick=True).complete
    assert verify(source, output, deinterlace="field").complete


def test_a_frame_for_each_frame_is_complete(source: Path, tmp_path: Path) -> None:
    assert verify(source, result(tmp_path, moments(*range(0, 2 * COUNT, 2)), 25)).complete


@pytest.mark.parametrize("quick", [False, True])
def test_a_missing_field_is_found(source: Path, tmp_path: Path, quick: bool) -> None:
    output = result(tmp_path, moments(*range(2 * COUNT - 1)))
    assert "frame-lost" in kinds(source, output, quick=quick)


def test_fields_in_the_wrong_order_are_found(source: Path, tmp_path: Path) -> None:
    swapped = [moment ^ 1 for moment in range(2 * COUNT)]
    assert not verify(source, result(tmp_path, moments(*swapped))).complete


def test_one_field_shown_twice_is_not_complete(source: Path, tmp_path: Path) -> None:
    assert not verify(source, result(tmp_path, moments(*(moment // 2 * 2 for moment in range(2 * COUNT))))).complete


def test_half_of_the_requested_frames_is_not_complete(source: Path, tmp_path: Path) -> None:
    output = result(tmp_path, moments(*range(0, 2 * COUNT, 2)), 25)
    assert "frame-lost" in kinds(source, output, deinterlace="field")


def test_repeated_frames_of_film_are_not_taken_for_fields(tmp_path: Path) -> None:
    source = interlaced.write(tmp_path / "film.mkv", interlaced.film(COUNT))
    output = result(tmp_path, [luma for luma in interlaced.film(COUNT) for _ in range(2)])
    assert "frame-doubled" in kinds(source, output)
    assert "frame-doubled" in kinds(source, output, quick=True)


def test_film_deinterlaced_to_fields_on_request_is_complete(tmp_path: Path) -> None:
    source = interlaced.write(tmp_path / "film.mkv", interlaced.film(COUNT))
    upscale(source, tmp_path / "made.mkv", deinterlace="field")
    assert verify(source, tmp_path / "made.mkv", deinterlace="field").complete
