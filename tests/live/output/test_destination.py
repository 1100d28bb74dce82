"""Addresses of outputs: their containers, options and files."""

import os
from pathlib import Path

import pytest
import trustme

from pipeline.config.address import Address
from pipeline.config.live_settings import StreamSettings
from pipeline.errors import SettingsError
from pipeline.live.output.destination import output_target
from pipeline.live.output.segments import SegmentsRequest
from pipeline.live.process.messages import StreamHeader

SETTINGS = StreamSettings(source=Address("rtsp://camera/stream"))
STREAMS = StreamHeader(b"", (None,))


def parsed(text: str) -> tuple[str, str | None, str]:
    """Kind, format and address of the output `text`."""
    target = output_target(Address(text), SETTINGS)
    request = target.request(STREAMS)
    return target.kind, request.format, request.address


@pytest.mark.parametrize(
    ("text", "kind", "format"),
    [
        ("rtsp://server/path", "rtsp", "rtsp"),
        ("rtsps://server/path", "rtsp", "rtsp"),
        ("rtmp://server/app/key", "rtmp", "flv"),
        ("rtmps://server/app/key", "rtmp", "flv"),
        ("tcp://server:9000", "mpegts", "mpegts"),
    ],
)
def test_each_scheme_has_its_container(text: str, kind: str, format: str) -> None:
    assert parsed(text) == (kind, format, text)


def test_certificates_are_checked_against_ca_file(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    settings = StreamSettings(source=Address("rtsp://camera/stream"), ca_file=authority)
    options = output_target(Address("rtsps://server/path"), settings).request(STREAMS).options
    assert (options["tls_verify"], options["ca_file"]) == ("1", str(authority))
    assert "tls_verify" not in output_target(Address("rtsp://server/path"), settings).request(STREAMS).options


def test_udp_datagrams_fit_into_ethernet_frames() -> None:
    assert parsed("udp://10.0.0.1:9000")[2] == "udp://10.0.0.1:9000?pkt_size=1316"
    assert parsed("udp://10.0.0.1:9000?ttl=3")[2] == "udp://10.0.0.1:9000?ttl=3&pkt_size=1316"
    assert parsed("udp://10.0.0.1:9000?pkt_size=188")[2] == "udp://10.0.0.1:9000?pkt_size=188"


def test_secrets_are_only_in_the_request_to_the_child() -> None:
    target = output_target(Address("rtsp://user:secret@server/path"), SETTINGS)
    request = target.request(STREAMS)
    assert request.address == "rtsp://user:secret@server/path"
    assert "secret" not in repr(target) + repr(request) + str(target.address)


def test_a_folder_and_a_playlist_are_written_as_hls(tmp_path: Path) -> None:
    assert parsed(str(tmp_path)) == ("hls", "hls", f"file:{tmp_path}/index.m3u8")
    assert parsed(f"{tmp_path}/new/") == ("hls", "hls", f"file:{tmp_path}/new/index.m3u8")
    assert (tmp_path / "new").is_dir()
    assert parsed(f"{tmp_path}/cam.m3u8") == ("hls", "hls", f"file:{tmp_path}/cam.m3u8")


def test_a_relative_path_starts_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parsed("cam.m3u8")[2] == f"file:{tmp_path}/cam.m3u8"


@pytest.mark.parametrize(("suffix", "format"), [("mkv", "matroska"), ("mp4", "mp4"), ("mov", "mov"), ("TS", "mpegts")])
def test_a_file_name_is_written_as_segments(tmp_path: Path, suffix: str, format: str) -> None:
    settings = SETTINGS.model_copy(update={"segment": "1h", "keep": 3})
    target = output_target(Address(f"{tmp_path}/cam.{suffix}"), settings)
    request = target.request(STREAMS)
    assert isinstance(request, SegmentsRequest)
    assert target.kind == "file"
    assert request.format == format
    assert request.segments is not None
    assert (request.segments.seconds, request.segments.size, request.segments.keep) == (3600, None, 3)


@pytest.mark.parametrize("text", ["cam.avi", "ftp://server/cam.mkv", "webcam:0", "cam"])
def test_an_unknown_output_is_refused_with_those_allowed(text: str) -> None:
    with pytest.raises(SettingsError, match=r"rtsp://.*\.mkv"):
        output_target(Address(text), SETTINGS)


def test_a_folder_is_not_created_in_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="create it first"):
        output_target(Address(f"{tmp_path}/missing/too/cam.mkv"), SETTINGS)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cam").touch()
    with pytest.raises(SettingsError, match="can't create the folder"):
        output_target(Address(f"{tmp_path}/cam/one.mkv"), SETTINGS)


@pytest.mark.parametrize("name", ["a:b.m3u8", "100%.m3u8", "a#b.m3u8", "%d/list.m3u8", "cam%03d/"])
def test_a_playlist_name_that_can_not_be_a_uri_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="choose another name"):
        output_target(Address(f"{tmp_path}/{name}"), SETTINGS)


def test_an_invalid_segment_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="segment: soon"):
        output_target(Address(f"{tmp_path}/cam.mkv"), SETTINGS.model_copy(update={"segment": "soon"}))


def test_a_missing_variable_is_named_when_the_output_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    target = output_target(Address("rtsp://user:${NO_SUCH_PASSWORD}@server/path"), SETTINGS)
    with pytest.raises(SettingsError, match="NO_SUCH_PASSWORD"):
        target.request(STREAMS)
    monkeypatch.setenv("NO_SUCH_PASSWORD", os.urandom(4).hex())
    assert target.request(STREAMS).address.startswith("rtsp://user:")
