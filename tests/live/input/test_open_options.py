"""Addresses of sources and the options that FFmpeg opens them with."""

from pathlib import Path
from typing import Any

import pytest
import trustme

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import SettingsError
from pipeline.live.input.open_options import source_request
from pipeline.live.process.messages import SourceRequest


def request(source: str, **options: Any) -> SourceRequest:
    return source_request(StreamSettings.model_validate({"source": source, **options}))


def test_rtsp_uses_tcp_unless_udp_is_requested() -> None:
    assert request("rtsp://camera/live").options["rtsp_transport"] == "tcp"
    udp = request("rtsp://camera/live", transport="udp").options
    assert (udp["rtsp_transport"], udp["max_delay"]) == ("udp", "100000")


@pytest.mark.parametrize(
    ("source", "format"),
    [
        ("rtsp://camera/live", None),
        ("rtmps://server/app/key", None),
        ("https://server/list.m3u8", None),
        ("udp://@239.0.0.1:5000", "mpegts"),
        ("tcp://127.0.0.1:5000?listen=1", "mpegts"),
        ("clip.mp4", None),
        ("/dev/video7", "v4l2"),
    ],
)
def test_each_scheme_has_its_default_format(source: str, format: str | None) -> None:
    assert request(source).format == format
    assert request(source).address == source


def test_a_requested_format_is_used() -> None:
    assert request(":0.0", format="x11grab").format == "x11grab"
    assert request("udp://127.0.0.1:5000", format="h264").format == "h264"


@pytest.mark.parametrize("scheme", ["rtsps", "rtmps", "https"])
def test_certificates_are_checked_against_ca_file(scheme: str, tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    options = request(f"{scheme}://camera/live", ca_file=authority).options
    assert (options["tls_verify"], options["ca_file"]) == ("1", str(authority))
    assert "tls_verify" not in request(f"{scheme}://camera/live").options
    assert "tls_verify" not in request(f"{scheme[:-1]}://camera/live", ca_file=authority).options


@pytest.mark.parametrize(
    ("source", "option"),
    [("rtsp://c/x", "timeout"), ("rtmp://c/a/k", "rw_timeout"), ("http://c/x", "rw_timeout"), ("udp://:1", "timeout")],
)
def test_the_timeout_is_passed_to_ffmpeg(source: str, option: str) -> None:
    assert request(source, timeout=3).options[option] == "3000000"


def test_the_default_timeout_is_longer_for_segmented_video() -> None:
    assert request("rtsp://camera/live").silence == 10
    assert request("http://server/list.m3u8").silence == 30
    assert request("http://server/list.m3u8", timeout=4).silence == 4


def test_input_options_override_all_others() -> None:
    options = request("rtsp://camera/live", input_options={"timeout": "7", "user_agent": "me"}).options
    assert (options["timeout"], options["user_agent"]) == ("7", "me")


def test_only_files_and_segmented_video_are_paced() -> None:
    paced = {source: request(source).paced for source in ("clip.mp4", "http://s/x", "rtsp://c/x", "udp://:1")}
    assert paced == {"clip.mp4": True, "http://s/x": True, "rtsp://c/x": False, "udp://:1": False}
    assert request("testsrc2", format="lavfi").always_paced


def test_a_listening_source_may_take_longer_to_open() -> None:
    assert request("rtsp://0.0.0.0:554/in", input_options={"rtsp_flags": "listen"}).opening == 60
    assert request("rtmp://0.0.0.0/a/k", input_options={"listen": "1"}).opening == 60


def test_a_webcam_is_a_device_that_opencv_can_open_too() -> None:
    camera = request("webcam:3")
    assert camera.camera is not None
    assert "3" in camera.address


def test_an_unknown_scheme_is_refused_with_those_allowed() -> None:
    with pytest.raises(SettingsError, match=r"^srt://camera:9000: unknown scheme srt; allowed are rtsp, .*, a file"):
        request("srt://camera:9000")


def test_the_repr_of_a_request_contains_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "s3cr3t")
    assert "s3cr3t" in request("rtsp://me:${CAMERA_PASSWORD}@camera/live").address
    assert "s3cr3t" not in repr(request("rtsp://me:${CAMERA_PASSWORD}@camera/live"))
    assert "s3cr3t" not in repr(request("rtsp://camera/live", input_options={"password": "s3cr3t"}))


def test_a_format_unknown_to_ffmpeg_is_refused() -> None:
    with pytest.raises(SettingsError, match="`format` x11gab"):
        request(":0.0", format="x11gab")
