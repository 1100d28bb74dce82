"""Networks and finished files, compared."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config.settings import Settings
from pipeline.diagnostics.comparison import comparison as module
from pipeline.diagnostics.comparison.comparison import ComparisonOptions, compare_files, compare_models
from pipeline.diagnostics.comparison.report import ComparisonReport
from pipeline.errors import BackendError, InputError, ModelError, OutOfMemory
from pipeline.superres.sessions import open_session
from tests.diagnostics.comparison import pairs
from tests.diagnostics.comparison.pairs import settings


def test_models_are_compared_with_bicubic_and_an_original(small: Path, original: Path) -> None:
    found = compare_models(small, ["clear-x2", "identity"], ComparisonOptions(settings(), original))
    report = found.report
    assert [(row.name, row.kind, row.scale) for row in report.rows] == [
        ("original.mkv", "reference", None),
        ("bicubic", "bicubic", None),
        ("clear-x2", "model", 2),
        ("identity", "model", 1),
    ]
    assert (report.size, report.reference, len(report.times)) == ("128x96", "original.mkv", pairs.FRAMES)
    assert [list(images) for images in found.images] == [list(range(pairs.FRAMES))] * 4
    assert {image.shape for images in found.images for image in images.values()} == {(96, 128, 3)}
    _, bicubic, clear, identity = report.rows
    assert bicubic.rate is None
    assert all(row.rate and row.rate > 0 for row in (clear, identity))
    assert all(len(row.frames) == pairs.FRAMES for row in (bicubic, clear, identity))
    assert bicubic.psnr is not None
    assert bicubic.psnr > 25
    assert identity.psnr == pytest.approx(bicubic.psnr, abs=0.3)  # the network changes nothing but rounds to 8 bits
    assert [row.missing for row in report.rows] == [0, 0, 0, 0]


def test_the_original_is_the_best_of_its_copies(small: Path, original: Path) -> None:
    rough = pairs.write(small.with_name("rough.mkv"), (128, 96), crf=40)
    report = compare_files([original, rough], ComparisonOptions(settings(), original)).report
    _, same, worse = report.rows
    assert (same.psnr, same.ssim, same.flicker) == (math.inf, 1.0, 0.0)
    assert worse.psnr is not None
    assert worse.ssim is not None
    assert worse.flicker is not None
    assert worse.psnr < 45
    assert worse.ssim < 1
    assert worse.flicker > 0


def test_without_an_original_only_shown_frames_are_upscaled(small: Path) -> None:
    steps: list[str] = []
    found = compare_models(small, ["identity"], ComparisonOptions(settings(), every=4), steps.append)
    assert found.report.shown == [0, 4]
    assert [step for step in steps if step.startswith("identity: frame")] == [
        "identity: frame 1 of 6",
        "identity: frame 5 of 6",
    ]
    assert [(row.psnr, row.frames, row.missing) for row in found.report.rows] == [(None, [], 0)] * 2
    assert found.report.size == "64x48"


def test_networks_of_different_scale_are_brought_to_the_largest(small: Path) -> None:
    found = compare_models(small, ["identity", "clear-x2"], ComparisonOptions(settings(frames=None)))
    assert found.report.size == "128x96"
    assert [row.size for row in found.report.rows] == ["64x48", "64x48", "128x96"]
    assert {images[0].shape for images in found.images} == {(96, 128, 3)}


def test_frames_of_a_variable_rate_are_measured_against_those_of_their_time(tmp_path: Path) -> None:
    source = pairs.write(tmp_path / "vfr.mkv", (128, 96), [0, 40, 50, 200, 213, 400], crf=4)
    thinned = pairs.write(tmp_path / "thinned.mkv", (128, 96), [0, 50, 200, 400], crf=4)
    _, row = compare_files([thinned], ComparisonOptions(settings(), source)).report.rows
    assert [frame.index for frame in row.frames] == [0, 2, 3, 5]
    assert row.missing == 2
    assert all(frame.psnr > 40 for frame in row.frames)


def test_a_piece_is_compared_with_the_same_piece_of_the_original(small: Path, original: Path) -> None:
    piece = settings(start=Fraction(2, 25), end=Fraction(4, 25))
    report = compare_models(small, ["identity"], ComparisonOptions(piece, original)).report
    assert report.times == pytest.approx([0.08, 0.12])
    assert report.rows[1].missing == 0
    assert report.rows[1].psnr is not None
    assert report.rows[1].psnr > 25


def test_a_model_that_can_not_be_used_is_a_row_with_the_reason(small: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    models = ["nonsense", str(tmp_path / "broken.onnx"), "identity"]
    found = compare_models(small, models, ComparisonOptions(settings()))
    _, unknown, broken, good = found.report.rows
    assert "no model called 'nonsense'" in str(unknown.failure)
    assert broken.failure
    assert (good.failure, good.size) == (None, "64x48")
    assert [bool(images) for images in found.images] == [True, False, False, True]


def test_a_model_that_fails_half_way_is_a_row_with_the_reason(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        """A session that runs out of memory at its second frame."""

        def __init__(self, real: Any) -> None:
            self.real, self.frames = real, 0

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *error: object) -> None:
            self.real.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

        def submit(self, frame: Any) -> Any:
            self.frames += 1
            if self.frames == 2:
                raise OutOfMemory("the GPU is too small")
            return self.real.submit(frame)

    monkeypatch.setattr(module, "open_session", lambda request: Failing(open_session(request)))
    found = compare_models(small, ["identity"], ComparisonOptions(settings()))
    assert [row.failure for row in found.report.rows] == [None, "the GPU is too small"]
    assert found.images[1] == {}


def test_if_no_model_can_be_used_the_error_of_the_first_is_raised(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.system.cuda.unavailable_reason", lambda: "there is no GPU")
    with pytest.raises(ModelError, match="no model called 'nonsense'"):
        compare_models(small, ["nonsense", "other"], ComparisonOptions(settings()))
    with pytest.raises(BackendError, match="there is no GPU"):
        compare_models(small, ["identity"], ComparisonOptions(Settings.load(None, backend="tensorrt")))


def test_each_model_runs_on_the_backend_that_is_chosen_for_it(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(settings: Settings) -> tuple[str, str | None]:
        return "onnx", f"{settings.model} is on the CPU" if settings.model == "identity" else None

    monkeypatch.setattr(module, "choose_backend", choose)
    report = compare_models(small, ["clear-x2", "identity"], ComparisonOptions(settings())).report
    assert report.notes == ["identity is on the CPU"]


def test_a_source_that_can_not_be_read_is_an_error(tmp_path: Path, small: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        compare_models(tmp_path / "no.mkv", ["identity"], ComparisonOptions(settings()))
    with pytest.raises(InputError, match="no such file"):
        compare_files([small], ComparisonOptions(settings(), tmp_path / "no.mkv"))


def test_files_of_one_name_are_distinguished_by_their_folders(small: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = pairs.write(tmp_path / "b" / small.name)
    names = [row.name for row in compare_files([small, other], ComparisonOptions(settings())).report.rows]
    assert names == [str(small), str(other)]


def test_files_without_a_reference_are_shown_in_the_largest_size(small: Path, original: Path) -> None:
    found = compare_files([small, original], ComparisonOptions(settings()))
    assert found.report.size == "128x96"
    assert np.abs(found.images[0][0].astype(int) - found.images[1][0]).mean() < 12


def test_a_report_is_read_back_from_its_json(original: Path) -> None:
    report = compare_files([original], ComparisonOptions(settings(), original)).report
    assert '"psnr": "Infinity"' in report.model_dump_json(indent=1)
    assert ComparisonReport.model_validate_json(report.model_dump_json()) == report
