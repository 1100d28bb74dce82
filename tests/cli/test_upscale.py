"""`uprez upscale`: one file, a folder, a pattern; what it says and how it ends."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.files.estimate import Estimate
from pipeline.media.reading.probe import probe
from tests import clips
from tests.cli.conftest import Call

FAST = ("--model", "identity", "--backend", "onnx", "--preset", "ultrafast")


def test_the_default_name_and_one_line_of_summary(uprez: Call, clip: Path) -> None:
    ended = uprez("upscale", clip, *FAST)
    assert ended.code == 0
    assert "clip.x1.mkv: 12 frames in" in ended.out
    assert len(clips.shades(clip.with_name("clip.x1.mkv"))) == 12


def test_a_name_for_the_result(uprez: Call, clip: Path, tmp_path: Path) -> None:
    assert uprez("upscale", clip, tmp_path / "mine.mp4", *FAST).code == 0
    assert probe(tmp_path / "mine.mp4").container.startswith("mov")


def test_encoder_options_reach_the_encoder(uprez: Call, clip: Path, tmp_path: Path) -> None:
    sink = tmp_path / "out.mkv"
    options = ("--codec", "libx265", "--crf", "30", "--preset", "ultrafast", "-x", "tune=grain")
    assert uprez("upscale", clip, sink, "--model", "identity", "--backend", "onnx", *options).code == 0
    assert probe(sink).video.codec == "hevc"


def test_the_pixel_format_can_be_chosen(uprez: Call, clip: Path, tmp_path: Path) -> None:
    sink = tmp_path / "out.mkv"
    assert uprez("upscale", clip, sink, *FAST, "--pix-fmt", "yuv422p10le").code == 0
    assert probe(sink).video.source_format == "yuv422p10le"
    ended = uprez("upscale", clip, sink, *FAST, "--overwrite", "--pix-fmt", "yuv410p")
    assert (
        ended.code,
        "--pix-fmt yuv410p: libx264 does not support it; it supports yuv420p, yuv420p10le, " in ended.err,
    ) == (2, True)


def test_json_is_for_programs(uprez: Call, clip: Path) -> None:
    ended = uprez("upscale", clip, *FAST, "--json")
    summary = json.loads(ended.out)
    (done,) = summary["done"]
    assert (done["frames_in"], done["frames_out"], done["complete"]) == (12, 12, True)
    assert summary["schema_version"] == 1
    assert ended.err == ""


def test_json_can_stand_in_a_file_and_the_command_line_wins(uprez: Call, clip: Path, tmp_path: Path) -> None:
    config = tmp_path / "a.yaml"
    for text, options in (("json: true\n", ()), ("json: false\n", ("--json",))):
        config.write_text(text)
        ended = uprez("upscale", clip, *FAST, "--overwrite", "--config", config, *options)
        assert len(json.loads(ended.out)["done"]) == 1


def test_json_tells_of_a_failure_too(uprez: Call, tmp_path: Path) -> None:
    ended = uprez("upscale", tmp_path / "nothing.mp4", "--json")
    assert ended.code == 2
    assert "no such file" in json.loads(ended.out)["failed"][0]["error"]


@pytest.mark.parametrize("name", ["[Grp] show [abc].mp4", "a [b] :smile: [red] c.mp4"])
def test_brackets_in_a_name_are_a_name(uprez: Call, clip: Path, name: str) -> None:
    ended = uprez("upscale", clip.rename(clip.with_name(name)), *FAST)
    assert ended.code == 0
    assert name.replace(".mp4", ".x1.mkv") in ended.out


def test_quiet_says_nothing(uprez: Call, clip: Path) -> None:
    ended = uprez("upscale", clip, *FAST, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "model: identity\nbackend: onnx\ncrf: 30\n"),
        ("a.toml", 'model = "identity"\nbackend = "onnx"\ncrf = 30\n'),
    ],
)
def test_options_can_stand_in_a_file_and_the_command_line_wins(
    uprez: Call, clip: Path, tmp_path: Path, name: str, text: str
) -> None:
    config = tmp_path / name
    config.write_text(text)
    small, large = tmp_path / "small.mkv", tmp_path / "large.mkv"
    assert uprez("upscale", clip, small, "--config", config).code == 0
    assert uprez("upscale", clip, large, "--config", config, "--crf", "1").code == 0
    assert large.stat().st_size > small.stat().st_size


class TestManyFiles:
    @pytest.fixture
    def season(self, clip: Path, tmp_path: Path) -> Path:
        folder = tmp_path / "season"
        (folder / "extras").mkdir(parents=True)
        for name in ("e1.mp4", "e2.mp4", "extras/making.mp4"):
            shutil.copy(clip, folder / name)
        (folder / "notes.txt").write_text("no video")
        return folder

    def test_a_folder_is_one_job_and_what_is_done_is_skipped(self, uprez: Call, season: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        first = uprez("upscale", season, "--to", out, *FAST)
        assert first.code == 0
        made = {str(p.relative_to(out)) for p in out.rglob("*.mkv")}
        assert made == {"e1.x1.mkv", "e2.x1.mkv", "extras/making.x1.mkv"}
        again = uprez("upscale", season, "--to", out, *FAST)
        assert again.code == 0
        assert again.err.count("skipped, its output exists") == 3

    def test_a_folder_without_to_gets_its_results_beside_and_never_eats_them(self, uprez: Call, season: Path) -> None:
        assert uprez("upscale", season, *FAST).code == 0
        assert uprez("upscale", season, *FAST).code == 0
        assert not list(season.rglob("*.x1.x1.*"))

    def test_a_pattern(self, uprez: Call, season: Path, tmp_path: Path) -> None:
        assert uprez("upscale", f"{season}/e*.mp4", "--to", tmp_path / "out", *FAST).code == 0
        assert len(list((tmp_path / "out").iterdir())) == 2

    def test_one_bad_file_does_not_stop_the_others(self, uprez: Call, season: Path, tmp_path: Path) -> None:
        (season / "bad.mp4").write_text("no video at all")
        ended = uprez("upscale", season, "--to", tmp_path / "out", *FAST, "--json")
        summary = json.loads(ended.out)
        assert ended.code == 2
        assert len(summary["done"]) == 3
        assert "is not a video" in summary["failed"][0]["error"]

    def test_two_sources_of_one_result_are_refused(self, uprez: Call, clip: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        shutil.copy(clip, other / clip.name)
        for _ in range(2):
            ended = uprez("upscale", clip, other / clip.name, "--to", tmp_path / "out", *FAST)
            assert ended.code == 2
            assert "is that of" in ended.err

    def test_a_pattern_of_folders_and_of_other_files(self, uprez: Call, season: Path, tmp_path: Path) -> None:
        assert uprez("upscale", f"{season.parent}/sea*", "--to", tmp_path / "out", *FAST).code == 0
        assert uprez("upscale", f"{season}/*", "--to", tmp_path / "more", *FAST).code == 0
        assert len(list((tmp_path / "more").rglob("*.mkv"))) == 3

    def test_to_names_a_folder_for_one_file_too(self, uprez: Call, clip: Path, tmp_path: Path) -> None:
        assert uprez("upscale", clip, "--to", tmp_path / "new", *FAST).code == 0
        assert (tmp_path / "new" / "clip.x1.mkv").exists()

    def test_a_folder_for_results_without_to_is_refused(self, uprez: Call, season: Path, tmp_path: Path) -> None:
        ended = uprez("upscale", season, tmp_path / "out", *FAST)
        assert (ended.code, "give the folder for the outputs as --to" in ended.err) == (2, True)

    def test_two_films_that_a_shell_put_side_by_side_are_both_kept(
        self, uprez: Call, clip: Path, tmp_path: Path
    ) -> None:
        other = clips.make(tmp_path / "other.mp4", size=(80, 64))
        before = other.read_bytes()
        ended = uprez("upscale", clip, other, "--overwrite", *FAST)
        assert ended.code == 2
        assert "is a video of 80x64, not an earlier output (64x48)" in ended.err
        assert other.read_bytes() == before

    def test_a_folder_without_videos(self, uprez: Call, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        ended = uprez("upscale", tmp_path / "empty")
        assert (ended.code, "no video there" in ended.err) == (2, True)


class TestInterrupted:
    @pytest.fixture
    def running(self, tmp_path: Path) -> subprocess.Popen[str]:
        source = clips.make(tmp_path / "long.mp4", frames=200, size=(160, 120), options={"preset": "ultrafast"})
        command = [
            sys.executable,
            "-m",
            "pipeline.cli.main",
            "upscale",
            str(source),
            *FAST[2:],
            "--model",
            "srvgg-32x16",
        ]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # it may be inherited as ignored
        )
        while not any(part.stat().st_size > 4_000 for part in tmp_path.glob("uprez-*.part.mkv")):  # some frames
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        return process

    @pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_first_signal_leaves_a_playable_part(
        self, running: subprocess.Popen[str], tmp_path: Path, kind: signal.Signals
    ) -> None:
        running.send_signal(kind)
        out, _ = running.communicate(timeout=30)
        assert running.returncode == 130
        assert "stopped before the end" in out
        assert 0 < len(clips.shades(tmp_path / "long.x2.partial.mkv")) < 200
        assert not (tmp_path / "long.x2.mkv").exists()

    def test_second_signal_aborts_the_job(self, running: subprocess.Popen[str], tmp_path: Path) -> None:
        assert running.stderr
        running.send_signal(signal.SIGINT)
        while "press Ctrl-C again to abort" not in (line := running.stderr.readline()):
            assert line
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
        assert running.returncode == 130
        assert "Traceback" not in errors
        assert {path.name for path in tmp_path.iterdir()} <= {"long.mp4", "long.x2.partial.mkv"}


def test_interrupt_while_planning_ends_the_command_with_a_summary(
    uprez: Call, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cli.batch.make_plan", lambda *given: signal.raise_signal(signal.SIGTERM))
    ended = uprez("upscale", clip, *FAST, "--json")
    assert (ended.code, json.loads(ended.out)["done"], ended.err) == (130, [], "")


def test_a_job_of_hours_is_said_before_it_starts(uprez: Call, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.cli.batch.estimate", lambda plan: Estimate(12 / 7200, 7200.0, "the model"))
    monkeypatch.setattr("pipeline.cli.batch.ESTIMATED_PIXELS", 0)
    ended = uprez("upscale", clip, *FAST)
    assert "this will take about 2 h 00 min on this machine" in ended.err
