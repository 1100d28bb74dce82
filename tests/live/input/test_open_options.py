"""Addresses mean what users expect, and nothing waits for ever."""

from pathlib import Path
from typing import Any

import pytest
import trustme

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import SettingsError
from pipeline.live.input.open_options import source_request
from pipeline.live.process.messages import SourceRequest


def opens(source: str, **chosen: Any) -> SourceRequest:
    return source_request(StreamSettings(source=source, **chosen))


def test_rtsp_comes_over_tcp_unless_told_otherwise() -> None:
    assert opens("rtsp://camera/live").options["rtsp_transport"] == "tcp"
    udp = opens("rtsp://camera/live", transport="udp").options
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
def test_each_scheme_has_its_format(source: str, format: str | None) -> None:
    assert opens(source).format == format
    assert opens(source).address == source


def test_the_format_given_is_taken() -> None:
    assert opens(":0.0", format="x11grab").format == "x11grab"
    assert opens("udp://127.0.0.1:5000", format="h264").format == "h264"


@pytest.mark.parametrize("scheme", ["rtsps", "rtmps", "https"])
def test_what_is_encrypted_comes_from_who_is_vouched_for(scheme: str, tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    asked = opens(f"{scheme}://camera/live", ca_file=authority).options
    assert (asked["tls_verify"], asked["ca_file"]) == ("1", str(authority))
    assert "tls_verify" not in opens(f"{scheme}://camera/live").options
    assert "tls_verify" not in opens(f"{scheme[:-1]}://camera/live", ca_file=authority).options


@pytest.mark.parametrize(
    ("source", "option"),
    [("rtsp://c/x", "timeout"), ("rtmp://c/a/k", "rw_timeout"), ("http://c/x", "rw_timeout"), ("udp://:1", "timeout")],
)
def test_ffmpeg_gives_up_after_the_silence_set(source: str, option: str) -> None:
    assert opens(source, timeout=3).options[option] == "3000000"


def test_silence_is_longer_where_video_comes_in_pieces() -> None:
    assert opens("rtsp://camera/live").silence == 10
    assert opens("http://server/list.m3u8").silence == 30
    assert opens("http://server/list.m3u8", timeout=4).silence == 4


def test_options_given_go_over_all() -> None:
    options = opens("rtsp://camera/live", input_options={"timeout": "7", "user_agent": "me"}).options
    assert (options["timeout"], options["user_agent"]) == ("7", "me")


def test_only_files_and_what_comes_in_pieces_is_held_back() -> None:
    paced = {source: opens(source).paced for source in ("clip.mp4", "http://s/x", "rtsp://c/x", "udp://:1")}
    assert paced == {"clip.mp4": True, "http://s/x": True, "rtsp://c/x": False, "udp://:1": False}
    assert opens("testsrc2", format="lavfi").always_paced


def test_who_waits_for_a_publisher_may_wait_longer() -> None:
    assert opens("rtsp://0.0.0.0:554/in", input_options={"rtsp_flags": "listen"}).opening == 60
    assert opens("rtmp://0.0.0.0/a/k", input_options={"listen": "1"}).opening == 60


def test_a_webcam_is_a_device_and_opencv_knows_it_too() -> None:
    camera = opens("webcam:3")
    assert camera.camera is not None
    assert "3" in camera.address


def test_a_scheme_that_is_unknown_is_told_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match=r"^srt://camera:9000: unknown scheme srt; allowed are rtsp, .*, a file"):
        opens("srt://camera:9000")


def test_no_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "s3cr3t")
    assert "s3cr3t" in opens("rtsp://me:${CAMERA_PASSWORD}@camera/live").address
    assert "s3cr3t" not in repr(opens("rtsp://me:${CAMERA_PASSWORD}@camera/live"))
    assert "s3cr3t" not in repr(opens("rtsp://camera/live", input_options={"password": "s3cr3t"}))


def test_a_format_that_ffmpeg_does_not_have_is_refused_at_once() -> None:
    with pytest.raises(SettingsError, match="`format` x11gab"):
        opens(":0.0", format="x11gab")
