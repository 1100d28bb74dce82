"""Invalid input: one line that names it, exit code 2, and no file written or changed."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Call, Outcome
from tests.platforms import IS_ROOT

Bad = Callable[..., Outcome]

NO_PERMISSIONS = IS_ROOT or sys.platform == "win32"


@pytest.fixture
def bad(uprez: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bad:
    """Calls `uprez upscale` in `tmp_path`, and checks that it ends as bad input should."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Outcome:
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        ended = uprez("upscale", *arguments)
        after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        assert ended.code == 2
        assert after == before
        assert ended.err.startswith("uprez: ")
        assert ended.err.strip().count("\n") == 0
        assert ended.out == ""
        return ended

    return call


@pytest.fixture
def source(clip: Path) -> str:
    return clip.name


def test_file_that_does_not_exist_is_refused(bad: Bad) -> None:
    assert "nothing.mp4: no such file" in bad("nothing.mp4").err


@pytest.mark.parametrize(
    "arguments",
    [
        ["rtsp://user:hunter22@camera/x"],
        ["rtsp:user:hunter22@camera/x"],
        ["rtsp://camera/x?pass=hunter22&a=[1]"],
        ["clip.mp4", "rtmp://server/live/hunter22"],
        ["clip.mp4", "--to", "rtmp://server/live/hunter22"],
    ],
)
def test_address_is_refused_without_quoting_its_secrets(bad: Bad, source: str, arguments: list[str]) -> None:
    report = bad(*(source if argument == "clip.mp4" else argument for argument in arguments)).err
    assert "://…: is an address, not a file; `uprez live`" in report
    assert "hunter22" not in report


def test_address_without_a_command_is_refused(uprez: Call) -> None:
    outcome = uprez("rtsp://user:hunter22@camera/x")
    assert outcome.code == 2
    assert outcome.err.startswith("uprez: rtsp://…: is an address, not a file; `uprez live`")


def test_file_that_is_no_video_is_refused(bad: Bad, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello")
    assert "text.mp4: is not a video" in bad("text.mp4").err


@pytest.mark.skipif(NO_PERMISSIONS, reason="root may read everything, and Windows has no mode bits")
def test_file_that_may_not_be_read_is_refused(bad: Bad, clip: Path) -> None:
    clip.chmod(0)
    assert "permission denied: check its permissions" in bad(clip.name).err


def test_output_folder_that_does_not_exist_is_refused(bad: Bad, source: str) -> None:
    assert "the folder nowhere does not exist" in bad(source, "nowhere/out.mkv").err


@pytest.mark.skipif(NO_PERMISSIONS, reason="root may write everywhere, and Windows has no mode bits")
def test_output_folder_that_is_not_writable_is_refused(bad: Bad, source: str, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    assert "is not writable: check its permissions" in bad(source, "locked/out.mkv").err


def test_output_that_is_the_input_is_refused(bad: Bad, source: str) -> None:
    assert "is the input itself" in bad(source, source, "--overwrite").err


def test_output_that_exists_is_kept(bad: Bad, source: str, tmp_path: Path) -> None:
    (tmp_path / "out.mkv").write_bytes(b"earlier")
    assert "exists already; --overwrite replaces it" in bad(source, "out.mkv").err


def test_unknown_codec_is_refused(bad: Bad, source: str) -> None:
    assert "no encoder called 'libx999'" in bad(source, "--codec", "libx999").err


@pytest.mark.parametrize("name", ["out.xyz", "out", "out.m3u8", "out.mpd", "out.mp3", "out.avi"])
def test_unknown_container_is_refused(bad: Bad, source: str, name: str) -> None:
    assert "is not a container" in bad(source, name).err


def test_codec_that_the_container_does_not_support_is_refused(bad: Bad, source: str) -> None:
    assert (
        "out.webm: webm does not support h264: --codec auto chooses one that it supports" in bad(source, "out.webm").err
    )


def test_encoder_option_that_does_not_exist_is_refused(bad: Bad, source: str) -> None:
    assert "libx264 has no option nonsense" in bad(source, "-x", "nonsense=1").err


def test_encoder_option_with_an_invalid_value_is_refused(bad: Bad, source: str) -> None:
    assert "libx264 refuses its options (crf=17 preset=silly)" in bad(source, "--preset", "silly").err


def test_encoder_option_that_is_no_number_is_refused(bad: Bad, source: str) -> None:
    assert "libx264 refuses its options (crf=abc preset=medium)" in bad(source, "-x", "crf=abc").err


def test_name_that_is_too_long_is_refused(bad: Bad, source: str) -> None:
    assert "File name too long" in bad(source, "x" * 300 + ".mkv").err


def test_encoder_option_without_a_value_is_refused(bad: Bad, source: str) -> None:
    assert "-x tune: not NAME=VALUE" in bad(source, "-x", "tune").err


def test_model_that_does_not_exist_is_refused(bad: Bad, source: str) -> None:
    assert "my.onnx: No such file" in bad(source, "--model", "my.onnx").err


def test_broken_model_is_refused(bad: Bad, source: str, tmp_path: Path) -> None:
    (tmp_path / "my.onnx").write_bytes(b"broken")
    assert "my.onnx: not a valid ONNX model" in bad(source, "--model", "my.onnx").err


def test_tensorrt_without_a_gpu_is_refused(bad: Bad, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.system.cuda.unavailable_reason", lambda: "no NVIDIA driver: install one")
    assert "--backend tensorrt can't be used: no NVIDIA driver: install one; or set --backend to onnx" in (
        bad(source, "--backend", "tensorrt").err
    )


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--backend", "magic", "--backend = 'magic': input should be 'auto', 'tensorrt' or 'onnx'"),
        ("--crf", "99", "--crf = 99.0: input should be less than or equal to 63"),
        ("--slots", "1", "--slots = 1: input should be greater than or equal to 2"),
    ],
)
def test_setting_out_of_range_is_refused(bad: Bad, source: str, option: str, value: str, message: str) -> None:
    assert message in bad(source, option, value).err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour: red", "config.yaml: colour: no such setting; there are model, model_range"),
        ("crf: high", "config.yaml: crf = 'high': input should be a valid number"),
        ("- a list", "config.yaml: contains a list"),
        ("model: [", "config.yaml: not valid YAML"),
        ("crf: 2024-13-45", "config.yaml: not valid YAML"),
    ],
)
def test_invalid_config_file_is_refused(bad: Bad, source: str, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    assert message in bad(source, "--config", "config.yaml").err


def test_config_file_that_does_not_exist_is_refused(bad: Bad, source: str) -> None:
    assert "config.yaml: can't be read as a config file" in bad(source, "--config", "config.yaml").err
