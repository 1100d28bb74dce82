"""What is encrypted comes and goes like what is not; only to those who are vouched for, where that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.conftest import Start
from tests.servers import HlsServer, RtmpServer, RtspServer, Sender, Tls, requires, until

SMALL = (160, 90)


@requires("gst-rtsp-server")
@pytest.mark.parametrize("verified", [False, True])
def test_rtsps_in_and_out(live: Start, verified: bool) -> None:
    with RtspServer(size=SMALL, password="secret", records=True) as server, Tls(server) as tls:
        source, sink = (tls.address(server.address(path)) for path in ("/live", "/in"))
        uprez = live(source, "--to", sink, *(("--ca-file", tls.authority) if verified else ()))
        until(lambda: len(server.received()) > 10, "pictures are published")
        uprez.end()
        assert uprez.code == 0, uprez.errors


@requires("nginx-rtmp")
def test_rtmps_in_and_out(live: Start) -> None:
    with RtmpServer() as server, Tls(server) as tls, Sender.rtmp(server.address("in"), size=SMALL):
        source, sink = (tls.address(server.address(key)) for key in ("in", "out"))
        uprez = live(source, "--to", sink, "--ca-file", tls.authority)
        assert uprez.until_out(25).outputs[0].status == "live"


def test_https_with_a_password(live: Start, tmp_path: Path) -> None:
    with HlsServer(size=SMALL, password="secret") as server, Tls(server) as tls:
        uprez = live(tls.address(server.address()), "--to", tmp_path / "kept.mkv", "--ca-file", tls.authority)
        uprez.until_out(10)
        uprez.end()
        assert uprez.code == 0, uprez.errors


@requires("gst-rtsp-server", "nginx-rtmp")
def test_who_is_not_vouched_for_is_sent_nothing(live: Start) -> None:
    with RtspServer(size=SMALL, records=True) as rtsp, RtmpServer() as rtmp, Tls(rtsp) as one, Tls(rtmp) as other:
        sinks = ("--to", one.address(rtsp.address("/in")), "--to", other.address(rtmp.address()))
        for authority, known, unknown in ((one.authority, 0, 1), (other.authority, 1, 0)):
            uprez = live(rtsp.address(), *sinks, "--ca-file", authority)
            uprez.until(lambda stream, known=known: stream.outputs[known].status == "live", "who is known gets it")
            stream = uprez.until(
                lambda stream, unknown=unknown: "certificate" in stream.outputs[unknown].reason, "who isn't is left"
            )
            assert stream.outputs[unknown].connects == 0
            uprez.end()


def test_who_is_not_vouched_for_is_not_listened_to(live: Start, tmp_path: Path) -> None:
    with HlsServer(size=SMALL) as server, Tls(server, "camera.example") as other, Tls(server) as tls:
        for where, authority in ((other, other.authority), (tls, other.authority)):
            address = where.address(server.address("/live.ts"))
            uprez = live(address, "--to", tmp_path / "kept.mkv", "--ca-file", authority)
            stream = uprez.until(lambda stream: stream.faults.get("unreachable", 0) > 1, "it is refused")
            assert "certificate" in stream.reason
            uprez.end()
    assert not list(tmp_path.iterdir())
