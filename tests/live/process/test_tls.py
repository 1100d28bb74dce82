"""Encrypted sources and outputs; with `ca_file` only servers with a valid certificate are accepted."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from pipeline.live.stats import StreamFigures
from tests.live.conftest import Start
from tests.servers import HlsServer, RtmpServer, RtspServer, Sender, Tls, requires, until

SMALL = (160, 90)


def is_live(output: int, stream: StreamFigures) -> bool:
    return stream.outputs[output].status == "live"


def lacks_certificate(output: int, stream: StreamFigures) -> bool:
    return "certificate" in stream.outputs[output].reason


@requires("gst-rtsp-server")
@pytest.mark.parametrize("verified", [False, True])
def test_rtsps_works_as_source_and_output(live: Start, verified: bool) -> None:
    with RtspServer(size=SMALL, password="secret", records=True) as server, Tls(server) as tls:
        source, sink = (tls.address(server.address(path)) for path in ("/live", "/in"))
        uprez = live(source, "--to", sink, *(("--ca-file", tls.authority) if verified else ()))
        until(lambda: len(server.received()) > 10, "frames are published")
        uprez.end()
        assert uprez.code == 0, uprez.errors


@requires("nginx-rtmp")
def test_rtmps_works_as_source_and_output(live: Start) -> None:
    with RtmpServer() as server, Tls(server) as tls, Sender.rtmp(server.address("in"), size=SMALL):
        source, sink = (tls.address(server.address(key)) for key in ("in", "out"))
        uprez = live(source, "--to", sink, "--ca-file", tls.authority)
        uprez.until(partial(is_live, 0), "its output is live")
        uprez.until_out(25)


def test_https_works_with_a_password(live: Start, tmp_path: Path) -> None:
    with HlsServer(size=SMALL, password="secret") as server, Tls(server) as tls:
        uprez = live(tls.address(server.address()), "--to", tmp_path / "kept.mkv", "--ca-file", tls.authority)
        uprez.until_out(10)
        uprez.end()
        assert uprez.code == 0, uprez.errors


@requires("gst-rtsp-server", "nginx-rtmp")
def test_nothing_is_sent_to_a_server_without_a_valid_certificate(live: Start) -> None:
    with RtspServer(size=SMALL, records=True) as rtsp, RtmpServer() as rtmp, Tls(rtsp) as one, Tls(rtmp) as other:
        sinks = ("--to", one.address(rtsp.address("/in")), "--to", other.address(rtmp.address()))
        for authority, known, unknown in ((one.authority, 0, 1), (other.authority, 1, 0)):
            uprez = live(rtsp.address(), *sinks, "--ca-file", authority)
            uprez.until(partial(is_live, known), "the known server is live")
            stream = uprez.until(partial(lacks_certificate, unknown), "the unknown server is refused")
            assert stream.outputs[unknown].connects == 0
            uprez.end()


def test_nothing_is_read_from_a_server_without_a_valid_certificate(live: Start, tmp_path: Path) -> None:
    with HlsServer(size=SMALL) as server, Tls(server, "camera.example") as other, Tls(server) as tls:
        for where, authority in ((other, other.authority), (tls, other.authority)):
            address = where.address(server.address("/live.ts"))
            uprez = live(address, "--to", tmp_path / "kept.mkv", "--ca-file", authority)
            stream = uprez.until(lambda stream: stream.faults.get("unreachable", 0) > 1, "it is refused")
            assert "certificate" in stream.reason
            uprez.end()
    assert not list(tmp_path.iterdir())
