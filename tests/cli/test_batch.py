"""Several inputs of one call: folders, patterns, and what happens if one of them fails."""

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import batch
from pipeline.config.settings import Settings
from pipeline.files.durable.work_folder import WorkFolder
from pipeline.files.estimate import Estimate
from pipeline.files.job import execute
from pipeline.files.plan import Plan, make_plan
from pipeline.files.result import Result
from pipeline.media.reading.probe import probe
from tests import clips
from tests.cli.conftest import Call

FAST = ("--model", "identity", "--backend", "onnx", "--preset", "ultrafast")


class TestManyFiles:
    @pytest.fixture
    def season(self, clip: Path, tmp_path: Path) -> Path:
        folder = tmp_path / "season"
        (folder / "extras").mkdir(parents=True)
        for name in ("e1.mp4", "e2.mp4", "extras/making.mp4"):
            shutil.copy(clip, folder / name)
        (folder / "notes.txt").write_text("no video")
        return folder

    def test_folder_is_upscaled_and_existing_outputs_are_skipped(
        self, uprez: Call, season: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        first = uprez("upscale", season, "--to", out, *FAST)
        assert first.code == 0
        made = {str(p.relative_to(out)) for p in out.rglob("*.mkv")}
        assert made == {"e1.x1.mkv", "e2.x1.mkv", "extras/making.x1.mkv"}
        again = uprez("upscale", season, "--to", out, *FAST)
        assert again.code == 0
        assert again.err.count("skipped, its output exists") == 3

    def test_outputs_beside_their_sources_are_not_upscaled_again(self, uprez: Call, season: Path) -> None:
        assert uprez("upscale", season, *FAST).code == 0
        assert uprez("upscale", season, *FAST).code == 0
        assert not list(season.rglob("*.x1.x1.*"))

    def test_stump_of_an_output_is_not_skipped(self, uprez: Call, season: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / "e1.x1.mkv").write_bytes(b"stump")
        ended = uprez("upscale", season, "--to", out, *FAST)
        assert ended.code == 2
        assert "e1.x1.mkv: exists and is not a complete video" in ended.err
        assert (out / "e1.x1.mkv").read_bytes() == b"stump"
        assert uprez("upscale", season, "--to", out, "--overwrite", *FAST).code == 0

    def test_output_that_another_process_works_on_is_skipped(self, uprez: Call, season: Path) -> None:
        options = {"model": "identity", "backend": "onnx", "preset": "ultrafast", "resume": True}
        plan = make_plan(probe(season / "e1.mp4"), None, Settings.load(None, **options))
        with WorkFolder(plan):
            ended = uprez("upscale", season, "--resume", *FAST)
            assert ended.code == 0
            assert "e1.mp4: skipped: " in ended.err
            assert "another process works on this output" in ended.err
            assert uprez("upscale", season / "e1.mp4", "--resume", *FAST).code == 2
        assert sorted(path.name for path in season.rglob("*.x1.mkv")) == ["e2.x1.mkv", "making.x1.mkv"]

    def test_output_that_another_process_has_finished_meanwhile_is_skipped(
        self, uprez: Call, season: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def with_another_process(plan: Plan, **options: Any) -> Result:
            execute(make_plan(probe(season / "e2.mp4"), None, plan.settings))
            monkeypatch.setattr(batch, "execute", execute)
            return execute(plan, **options)

        monkeypatch.setattr(batch, "execute", with_another_process)
        ended = uprez("upscale", season, *FAST)
        assert ended.code == 0
        assert "e2.mp4: skipped, its output exists" in ended.err

    def test_pattern_selects_files(self, uprez: Call, season: Path, tmp_path: Path) -> None:
        assert uprez("upscale", f"{season}/e*.mp4", "--to", tmp_path / "out", *FAST).code == 0
        assert len(list((tmp_path / "out").iterdir())) == 2

    def test_bad_file_does_not_stop_the_others(self, uprez: Call, season: Path, tmp_path: Path) -> None:
        (season / "bad.mp4").write_text("no video at all")
        ended = uprez("upscale", season, "--to", tmp_path / "out", *FAST, "--json")
        summary = json.loads(ended.out)
        assert ended.code == 2
        assert len(summary["done"]) == 3
        assert "is not a video" in summary["failed"][0]["error"]

    @pytest.mark.parametrize("step", ["make_plan", "execute"])
    def test_unforeseen_error_in_one_file_is_reported_as_a_bug_and_the_others_are_done(
        self, uprez: Call, season: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        real, calls = getattr(batch, step), itertools.count()

        def failing(*arguments: Any, **options: Any) -> Any:
            if next(calls) == 1:
                raise AttributeError("no attribute\nof that name")
            return real(*arguments, **options)

        monkeypatch.setattr(batch, step, failing)
        ended = uprez("upscale", season, "--to", tmp_path / "out", *FAST, "--json")
        summary = json.loads(ended.out)
        assert ended.code == 2
        assert len(summary["done"]) == 2
        [failed] = summary["failed"]
        what = "AttributeError (no attribute; of that name): a bug, please report it with the traceback"
        assert failed["error"] == f"{failed['path']}: {what}"
        assert what in ended.err

    def test_two_sources_of_one_output_are_refused(self, uprez: Call, clip: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        shutil.copy(clip, other / clip.name)
        for _ in range(2):
            ended = uprez("upscale", clip, other / clip.name, "--to", tmp_path / "out", *FAST)
            assert ended.code == 2
            assert "is that of" in ended.err

    def test_pattern_may_match_folders_and_other_files(self, uprez: Call, season: Path, tmp_path: Path) -> None:
        assert uprez("upscale", f"{season.parent}/sea*", "--to", tmp_path / "out", *FAST).code == 0
        assert uprez("upscale", f"{season}/*", "--to", tmp_path / "more", *FAST).code == 0
        assert len(list((tmp_path / "more").rglob("*.mkv"))) == 3

    def test_to_is_the_folder_of_a_single_file_too(self, uprez: Call, clip: Path, tmp_path: Path) -> None:
        assert uprez("upscale", clip, "--to", tmp_path / "new", *FAST).code == 0
        assert (tmp_path / "new" / "clip.x1.mkv").exists()

    def test_folder_for_outputs_without_to_is_refused(self, uprez: Call, season: Path, tmp_path: Path) -> None:
        ended = uprez("upscale", season, tmp_path / "out", *FAST)
        assert (ended.code, "give the folder for the outputs as --to" in ended.err) == (2, True)

    def test_second_video_is_not_overwritten_as_an_output(self, uprez: Call, clip: Path, tmp_path: Path) -> None:
        other = clips.make(tmp_path / "other.mp4", size=(80, 64))
        before = other.read_bytes()
        ended = uprez("upscale", clip, other, "--overwrite", *FAST)
        assert ended.code == 2
        assert "is a video of 80x64, and this job writes 64x48" in ended.err
        assert other.read_bytes() == before

    def test_folder_without_videos_is_refused(self, uprez: Call, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        ended = uprez("upscale", tmp_path / "empty")
        assert (ended.code, "no video there" in ended.err) == (2, True)


def test_long_job_is_announced_before_it_starts(uprez: Call, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.cli.batch.estimate", lambda plan: Estimate(12 / 7200, 7200.0, "the model"))
    monkeypatch.setattr("pipeline.cli.batch.ESTIMATED_PIXELS", 0)
    ended = uprez("upscale", clip, *FAST)
    assert "this will take about 2 h 00 min on this machine" in ended.err
