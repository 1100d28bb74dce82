"""Interlaced video through the whole line."""

import itertools
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.settings import Settings
from pipeline.errors import OutputError, SettingsError
from pipeline.files.job import Job
from pipeline.files.plan import make_plan
from pipeline.media.decoding.decoder_choice import choose_decoder
from pipeline.media.decoding.interlace.bwdif import Deinterlacing
from pipeline.media.reading.probe import probe
from pipeline.superres.cpu.session import OnnxSession
from pipeline.verification.compare import verify
from tests import clips, interlaced
from tests.jobs import upscale

FIFTIETH = Fraction(1, 50)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty frames, 25 a second, bottom field first."""
    folder = tmp_path_factory.mktemp("video")
    frames, options = interlaced.video(40, False), {"crf": "8", "x264-params": "interlaced=1"}
    return interlaced.write(folder / "video.mp4", frames, "bff", "libx264", rate=interlaced.RATE, **options)


def made(source: Path, to: Path, **options: Any) -> list[interlaced.Luma]:
    result = upscale(source, to, crf=8, **options)
    assert not result.stopped
    assert result.source_intact
    assert result.frames_out == len(clips.video_times(to))
    return interlaced.lumas(to)


def test_frame_mode_makes_one_frame_of_each_at_its_time(video: Path, tmp_path: Path) -> None:
    shown = made(video, tmp_path / "out.mp4")
    assert clips.video_times(tmp_path / "out.mp4") == clips.video_times(video)
    assert all(interlaced.error(luma, interlaced.luma_at(2 * index)) < 10 for index, luma in enumerate(shown))
    assert not probe(tmp_path / "out.mp4").video.scan.interlaced
    assert verify(video, tmp_path / "out.mp4").complete


def test_field_mode_makes_one_frame_of_each_field_at_its_time(video: Path, tmp_path: Path) -> None:
    shown = made(video, tmp_path / "out.mp4", deinterlace="field")
    assert clips.video_times(tmp_path / "out.mp4") == [FIFTIETH * index for index in range(80)]
    assert all(interlaced.error(luma, interlaced.luma_at(index)) < 10 for index, luma in enumerate(shown))
    assert probe(tmp_path / "out.mp4").video.rate == 50
    for quick in (False, True):
        verdict = verify(video, tmp_path / "out.mp4", quick=quick)
        assert verdict.complete
        assert (verdict.counts.source, verdict.counts.result) == (80, 80)


def test_off_keeps_combing_artifacts(video: Path, tmp_path: Path) -> None:
    shown = made(video, tmp_path / "out.mp4", deinterlace="off")
    assert all(interlaced.error(luma, interlaced.luma_at(2 * index)) > 20 for index, luma in enumerate(shown))


def test_an_excerpt_counts_the_frames_of_the_source(video: Path, tmp_path: Path) -> None:
    part: dict[str, Any] = {"start": Fraction(1, 5), "frames": 7}
    shown = made(video, tmp_path / "out.mp4", deinterlace="field", **part)
    assert clips.video_times(tmp_path / "out.mp4") == [FIFTIETH * index for index in range(14)]
    assert interlaced.error(shown[1], interlaced.luma_at(11)) < 10
    assert verify(video, tmp_path / "out.mp4", **part).complete


def test_fields_between_uneven_times_are_placed_in_the_middle(tmp_path: Path) -> None:
    even = interlaced.write(tmp_path / "even.mkv", interlaced.video(6), "tff")
    source = clips.retimed(even, tmp_path / "uneven.mkv", {3: 130, 4: 400, 5: 440})
    made(source, tmp_path / "out.mkv", deinterlace="field")
    shown = [round(1000 * time) for time in clips.video_times(tmp_path / "out.mkv")]
    usual = probe(source).video.frame_duration
    assert 40 <= usual < 80
    middles = [0, 20, 40, 60, 80, 105, 130, 130 + usual / 2, 400, 420, 440, 440 + usual / 2]
    assert shown == pytest.approx(middles, abs=1)
    assert verify(source, tmp_path / "out.mkv", deinterlace="field").complete


def test_video_from_a_pipe_is_deinterlaced_as_it_is_marked(tmp_path: Path) -> None:
    y4m = _y4m(interlaced.video(6))
    command = (sys.executable, "-m", "pipeline.cli.main", "upscale", "-", str(tmp_path / "out.mkv"))
    options = ("--model", "identity", "--backend", "onnx", "--crf", "8", "--deinterlace")
    ended = subprocess.run([*command, *options, "field"], input=y4m, capture_output=True, timeout=50)
    assert ended.returncode == 0, ended.stderr
    assert all(
        interlaced.error(luma, interlaced.luma_at(index)) < 10
        for index, luma in enumerate(interlaced.lumas(tmp_path / "out.mkv"))
    )
    ended = subprocess.run([*command, *options, "auto", "--overwrite"], input=y4m, capture_output=True, timeout=50)
    assert b"frames of a pipe can't be examined" in b" ".join(ended.stderr.split())
    assert interlaced.error(interlaced.lumas(tmp_path / "out.mkv")[3], interlaced.luma_at(6)) < 10


def test_the_plan_knows_how_many_frames_there_will_be(video: Path, tmp_path: Path) -> None:
    media = probe(video)

    def planned(**options: Any) -> Any:
        return make_plan(media, tmp_path / "out.mkv", Settings.load(None, backend="onnx", model="identity", **options))

    once, twice = planned(), planned(deinterlace="field")
    assert (once.frames, twice.frames) == (40, 80)
    assert (once.time_base, twice.time_base) == (media.video.time_base, media.video.time_base / 2)
    assert twice.encoding.time_base == twice.time_base
    assert (once.encoding.rate, twice.encoding.rate) == (25, 50)
    assert planned(deinterlace="field", frames=3).frames == 6


def test_nvdec_does_not_decode_video_that_is_deinterlaced(video: Path) -> None:
    on_gpu = Settings.load(None, decoder="nvdec")
    decoder, _, note = choose_decoder(probe(video), on_gpu, "tensorrt", Deinterlacing("all", top_first=True))
    assert decoder == "software"
    assert "frames are deinterlaced in main memory" in str(note)


def test_a_gif_is_not_given_more_frames_than_it_supports(tmp_path: Path) -> None:
    source = interlaced.write(tmp_path / "fast.mkv", interlaced.video(4), "tff", rate=Fraction(60))
    with pytest.raises(OutputError, match="GIF supports 100 frames/s at most, not 120"):
        upscale(source, tmp_path / "out.gif", deinterlace="field", preset=None)


def test_an_unknown_deinterlacing_mode_is_refused() -> None:
    with pytest.raises(SettingsError, match="deinterlace"):
        Settings.load(None, deinterlace="yes")


def _y4m(frames: list[interlaced.Luma]) -> bytes:
    height, width = frames[0].shape
    header = f"YUV4MPEG2 W{width} H{height} F25:1 It Cmono\n".encode()
    return header + b"".join(b"FRAME\n" + luma.tobytes() for luma in frames)


def test_a_stopped_job_keeps_the_fields_of_the_finished_part(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, original, came = Job(), OnnxSession.submit, itertools.count(1)

    def submit(self: OnnxSession, frame: Any) -> Any:
        if next(came) == 21:
            job.stop()
        return original(self, frame)

    monkeypatch.setattr(OnnxSession, "submit", submit)
    result = upscale(video, tmp_path / "out.mkv", deinterlace="field", job=job)
    assert result.stopped
    assert result.frames_out == 21
    assert len(clips.video_times(result.path)) == result.frames_out
