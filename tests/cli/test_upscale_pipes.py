"""`uprez` between other programs: pipes as input and as output."""

import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests import clips
from tests.cli.conftest import UPREZ, Call, run_uprez

FAST = ("--model", "identity", "--backend", "onnx")


def test_video_is_read_from_a_pipe_and_written_to_one(clip: Path, tmp_path: Path) -> None:
    first = run_uprez("upscale", clip, "-", *FAST)
    assert first.returncode == 0
    assert first.stdout.startswith(b"YUV4MPEG2 W64 H48 F25:1 ")
    assert b"-: 12 frames in" in first.stderr
    second = run_uprez("upscale", "-", "-", *FAST, given=first.stdout)
    assert second.returncode == 0
    third = run_uprez("upscale", "-", tmp_path / "out.mkv", *FAST, "--crf", "1", given=second.stdout)
    assert third.returncode == 0
    wanted = np.array(clips.shades(clip))
    assert abs(np.array(clips.shades(tmp_path / "out.mkv")) - wanted).max() <= 2


def test_audio_is_copied_from_a_pipe(tmp_path: Path) -> None:
    clip = clips.make(tmp_path / "a.mkv")
    assert run_uprez("upscale", "-", tmp_path / "out.mkv", *FAST, given=clip.read_bytes()).returncode == 0
    assert clips.packets(tmp_path / "out.mkv", "audio") == clips.packets(clip, "audio")
    assert clips.video_times(tmp_path / "out.mkv") == clips.video_times(clip)


def test_probe_reads_a_pipe(tmp_path: Path) -> None:
    report = run_uprez("probe", "-", *FAST, given=clips.make(tmp_path / "a.ts").read_bytes())
    assert report.returncode == 0
    assert b"64x48 yuv420p" in report.stdout


def test_truncated_y4m_is_upscaled_as_far_as_it_goes(clip: Path, tmp_path: Path) -> None:
    content = run_uprez("upscale", clip, "-", *FAST).stdout
    ended = run_uprez("upscale", "-", tmp_path / "out.mkv", *FAST, given=content[:-7])
    assert ended.returncode == 3
    assert len(clips.shades(tmp_path / "out.mkv")) == 11


@pytest.mark.parametrize("strict", [False, True])
def test_truncated_container_in_a_pipe_is_reported(tmp_path: Path, strict: bool) -> None:
    content = clips.make(tmp_path / "long.mkv", frames=100, audio=False).read_bytes()
    options = ["--strict"] if strict else []
    ended = run_uprez("upscale", "-", tmp_path / "out.mkv", *FAST, *options, given=content[: len(content) // 2])
    assert ended.returncode == (2 if strict else 3)
    assert b"cut off" in ended.stderr
    assert (tmp_path / "out.mkv").exists() != strict


def test_two_signals_end_a_job_whose_reader_does_not_read(tmp_path: Path) -> None:
    clip = clips.make(tmp_path / "long.mkv", frames=200, size=(640, 480), audio=False)
    writing = subprocess.Popen([*UPREZ, "upscale", clip, "-", *FAST], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writing.stdout is not None
    assert writing.stdout.read(1000)
    assert writing.stderr is not None
    writing.send_signal(signal.SIGINT)
    while b"press Ctrl-C again to abort" not in (line := writing.stderr.readline()):
        assert line
    writing.send_signal(signal.SIGINT)
    assert writing.wait(timeout=20) == 130
    writing.communicate()


def test_reader_that_ends_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    clip = clips.make(tmp_path / "long.mkv", frames=100, size=(320, 240), audio=False)
    writing = subprocess.Popen(
        [*UPREZ, "upscale", clip, "-", *FAST, "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writing.stdout is not None
    assert writing.stderr is not None
    writing.stdout.read(100)
    writing.stdout.close()
    message = writing.stderr.read()
    writing.stderr.close()
    assert writing.wait(timeout=30) == 2
    assert message == b"uprez: -: the program that reads the output has exited\n"


def test_empty_pipe_is_refused(tmp_path: Path) -> None:
    ended = run_uprez("upscale", "-", tmp_path / "out.mkv")
    assert ended.returncode == 2
    assert b"is not a video that can be read from a pipe" in ended.stderr
    assert ended.stderr.count(b"\n") == 1


def test_json_and_a_codec_are_refused_with_a_pipe(uprez: Call, clip: Path) -> None:
    assert "--json: standard output is taken by the video" in uprez("upscale", clip, "-", *FAST, "--json").out
    assert "--codec libx265: y4m has a single codec" in uprez("upscale", clip, "-", *FAST, "--codec", "libx265").err


def test_an_error_after_frames_went_into_a_pipe_does_not_claim_that_a_part_is_kept(tmp_path: Path) -> None:
    content = clips.make(tmp_path / "long.mkv", frames=200, audio=False).read_bytes()
    ended = run_uprez("upscale", "-", "-", *FAST, "--strict", given=content[: len(content) // 2])
    assert ended.returncode == 2
    assert ended.stdout.count(b"FRAME\n") > 0
    assert b"cut off" in ended.stderr
    assert b"kept as" not in ended.stderr
