"""`uprez` between other programs and on pictures, as it is called."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import clips, images
from tests.cli.conftest import Call

FAST = ("--model", "identity", "--backend", "onnx")
UPREZ = (sys.executable, "-m", "pipeline.cli.main")


def _run(*arguments: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*UPREZ, *map(str, arguments)], input=given, capture_output=True, timeout=50)


def test_out_of_a_pipe_and_into_one(clip: Path, tmp_path: Path) -> None:
    first = _run("upscale", clip, "-", *FAST)
    assert first.returncode == 0
    assert first.stdout.startswith(b"YUV4MPEG2 W64 H48 F25:1 ")
    assert b"-: 12 frames in" in first.stderr
    second = _run("upscale", "-", "-", *FAST, given=first.stdout)
    assert second.returncode == 0
    third = _run("upscale", "-", tmp_path / "out.mkv", *FAST, "--crf", "1", given=second.stdout)
    assert third.returncode == 0
    wanted = np.array(clips.shades(clip))
    assert abs(np.array(clips.shades(tmp_path / "out.mkv")) - wanted).max() <= 2


def test_a_stream_with_sound_comes_through_a_pipe(tmp_path: Path) -> None:
    clip = clips.make(tmp_path / "a.mkv")
    assert _run("upscale", "-", tmp_path / "out.mkv", *FAST, given=clip.read_bytes()).returncode == 0
    assert clips.packets(tmp_path / "out.mkv", "audio") == clips.packets(clip, "audio")
    assert clips.video_times(tmp_path / "out.mkv") == clips.video_times(clip)


def test_probe_reads_a_pipe(tmp_path: Path) -> None:
    told = _run("probe", "-", *FAST, given=clips.make(tmp_path / "a.ts").read_bytes())
    assert told.returncode == 0
    assert b"64x48 yuv420p" in told.stdout


def test_a_cut_stream_gives_what_there_is_and_says_so(clip: Path, tmp_path: Path) -> None:
    content = _run("upscale", clip, "-", *FAST).stdout
    ended = _run("upscale", "-", tmp_path / "out.mkv", *FAST, given=content[:-7])
    assert ended.returncode == 3
    assert len(clips.shades(tmp_path / "out.mkv")) == 11


@pytest.mark.parametrize("strict", [False, True])
def test_a_container_that_was_cut_off_in_a_pipe_is_not_called_whole(tmp_path: Path, strict: bool) -> None:
    content = clips.make(tmp_path / "long.mkv", frames=100, sound=False).read_bytes()
    options = ["--strict"] if strict else []
    ended = _run("upscale", "-", tmp_path / "out.mkv", *FAST, *options, given=content[: len(content) // 2])
    assert ended.returncode == (2 if strict else 3)
    assert b"cut off" in ended.stderr
    assert (tmp_path / "out.mkv").exists() != strict


def test_two_signals_end_a_job_whose_reader_stands_still(tmp_path: Path) -> None:
    clip = clips.make(tmp_path / "long.mkv", frames=200, size=(640, 480), sound=False)
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


def test_a_folder_by_another_name_is_still_the_input(uprez: Call, tmp_path: Path) -> None:
    before = images.read(images.sequence(tmp_path / "in", [1, 2]) and tmp_path / "in" / "001.png")
    (tmp_path / "alias").symlink_to(tmp_path / "in")
    ended = uprez("upscale", tmp_path / "in" / "%03d.png", tmp_path / "alias" / "%03d.png", "--overwrite", *FAST)
    assert ended.code == 2
    assert "is the sequence that is read" in ended.err
    assert np.array_equal(images.read(tmp_path / "in" / "001.png"), before)


def test_a_jpeg_that_is_cut_off_is_not_called_whole(uprez: Call, tmp_path: Path) -> None:
    path = images.write(tmp_path / "a.jpg", images.samples(1, (320, 240)))
    path.write_bytes(path.read_bytes()[:-200])
    ended = uprez("upscale", path, *FAST)
    assert ended.code == 3
    assert "1 frame of the source is damaged" in ended.err


def test_the_reader_that_goes_away_ends_the_job_in_one_line(tmp_path: Path) -> None:
    clip = clips.make(tmp_path / "long.mkv", frames=100, size=(320, 240), sound=False)
    writing = subprocess.Popen(
        [*UPREZ, "upscale", clip, "-", *FAST, "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writing.stdout is not None
    assert writing.stderr is not None
    writing.stdout.read(100)
    writing.stdout.close()
    said = writing.stderr.read()
    writing.stderr.close()
    assert writing.wait(timeout=30) == 2
    assert said == b"uprez: -: the program that reads the output has exited\n"


def test_nothing_comes_through_the_pipe(tmp_path: Path) -> None:
    ended = _run("upscale", "-", tmp_path / "out.mkv")
    assert ended.returncode == 2
    assert b"is no video that can be read from a pipe" in ended.stderr
    assert ended.stderr.count(b"\n") == 1


def test_json_and_a_codec_do_not_go_with_a_pipe(uprez: Call, clip: Path) -> None:
    assert "--json: standard output is taken by the video" in uprez("upscale", clip, "-", *FAST, "--json").out
    assert "--codec libx265: y4m has a single codec" in uprez("upscale", clip, "-", *FAST, "--codec", "libx265").err


def test_a_picture_stays_what_it_is_beside_it(uprez: Call, tmp_path: Path) -> None:
    for suffix in (".png", ".tif"):
        path = images.write(tmp_path / f"photo{suffix}", images.samples(3, deep=True))
        assert uprez("upscale", path, "--model", "identity", "--backend", "onnx").code == 0
        assert np.array_equal(images.read(tmp_path / f"photo.x1{suffix}"), images.samples(3, deep=True))


def test_a_second_name_wins(uprez: Call, tmp_path: Path) -> None:
    path = images.write(tmp_path / "photo.png", images.samples(3))
    assert uprez("upscale", path, tmp_path / "out.webp", *FAST).code == 0
    assert np.array_equal(images.read(tmp_path / "out.webp"), images.samples(3))


def test_a_sequence_into_a_film_and_back(uprez: Call, tmp_path: Path) -> None:
    pattern = images.sequence(tmp_path / "in", [1, 2, 4])
    ended = uprez("upscale", pattern, tmp_path / "film.mkv", *FAST, "--codec", "ffv1")
    assert ended.code == 0
    assert "number 3 is missing (of 1 to 4)" in ended.err
    assert clips.video_times(tmp_path / "film.mkv") == [0, pytest.approx(0.04), pytest.approx(0.12)]
    assert uprez("upscale", tmp_path / "film.mkv", tmp_path / "out%d.png", *FAST).code == 0
    for number, before in ((1, 1), (2, 2), (3, 4)):
        assert np.array_equal(images.read(tmp_path / f"out{number}.png"), images.samples(before))


def test_a_sequence_into_a_sequence(uprez: Call, tmp_path: Path) -> None:
    pattern = images.sequence(tmp_path, [1, 2, 4])
    assert uprez("upscale", pattern, *FAST).code == 0
    assert sorted(file.name for file in tmp_path.glob("*.x1.png")) == ["001.x1.png", "002.x1.png", "004.x1.png"]
    again = uprez("upscale", pattern, *FAST)
    assert again.code == 2
    assert "3 images of this pattern exist; --overwrite replaces them" in again.err
    assert uprez("upscale", pattern, pattern, *FAST, "--overwrite").code == 2
    assert np.array_equal(images.read(tmp_path / "004.png"), images.samples(4))


def test_what_is_no_picture_among_them_is_passed_over_and_told(uprez: Call, tmp_path: Path) -> None:
    pattern = images.sequence(tmp_path, [1, 2, 3, 4])
    (tmp_path / "001.png").write_bytes(b"")
    (tmp_path / "003.png").write_text("no picture")
    ended = uprez("upscale", pattern, tmp_path / "out%d.png", *FAST)
    assert ended.code == 3
    assert "2 frames of the source can't be decoded or are missing" in ended.err
    assert sorted(file.name for file in tmp_path.glob("out*")) == ["out2.png", "out4.png"]


def test_many_pictures_by_a_glob_but_a_folder_is_one_of_videos(uprez: Call, tmp_path: Path) -> None:
    images.sequence(tmp_path / "in", [1, 2])
    assert uprez("upscale", tmp_path / "in" / "*.png", "--to", tmp_path / "out", *FAST).code == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["001.x1.png", "002.x1.png"]
    ended = uprez("upscale", tmp_path / "in", *FAST)
    assert ended.code == 2
    assert "no video there" in ended.err
    assert f"but 2 images are there: '{tmp_path}/in/*' upscales each" in ended.err


def test_pictures_beside_videos_in_a_folder_are_left_alone_and_that_is_said(
    uprez: Call, clip: Path, tmp_path: Path
) -> None:
    images.sequence(tmp_path / "in", [1])
    (tmp_path / "in" / "film.mp4").symlink_to(clip)
    ended = uprez("upscale", tmp_path / "in", "--to", tmp_path / "out", *FAST)
    assert ended.code == 0
    assert f"1 image is skipped: '{tmp_path}/in/*' upscales each" in ended.err


def test_a_folder_without_videos_is_an_error_beside_others_too(uprez: Call, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = uprez("upscale", tmp_path / "empty", clip, "--to", tmp_path, *FAST)
    assert ended.code == 2
    assert f"{tmp_path}/empty: no video there" in ended.err


def test_one_picture_can_not_hold_a_film(uprez: Call, clip: Path, tmp_path: Path) -> None:
    ended = uprez("upscale", clip, tmp_path / "out.png", *FAST)
    assert ended.code == 2
    assert f"is a single image, and there are 12 frames; {tmp_path}/out%05d.png stores each as one" in ended.err


def test_only_pictures_are_numbered(uprez: Call, clip: Path, tmp_path: Path) -> None:
    ended = uprez("upscale", clip, tmp_path / "out%05d.gif", *FAST)
    assert ended.code == 2
    assert "only still images can be numbered" in ended.err
