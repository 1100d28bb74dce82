"""The servers behave as tests rely on, and leave no process or file behind."""

import socket
import sys

import av
import psutil
import pytest

from tests.servers import (
    Display,
    HlsServer,
    RtmpServer,
    RtspServer,
    Sender,
    Server,
    Watcher,
    free_port,
    requires,
    until,
)

TCP = {"rtsp_transport": "tcp", "analyzeduration": "500000"}


class Echo(Server):
    """Accepts connections, and no more."""

    def command(self) -> list[str]:
        listen = f"import socket, sys; s = socket.create_server(('127.0.0.1', {self.port})); sys.stdin.read()"
        return [sys.executable, "-c", listen]


def test_frozen_server_accepts_connections_and_killed_server_refuses_them() -> None:
    with Echo() as server:
        server.freeze()
        until(lambda: psutil.Process(server.pid).status() == psutil.STATUS_STOPPED, "it is stopped")
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
        server.thaw()
        server.kill()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)
        server.restart()
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()


def test_server_leaves_no_process_or_folder_when_a_test_fails() -> None:
    server = Echo()
    pids = []

    def fail() -> None:
        with server:
            pids.append(server.pid)
            server.freeze()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not psutil.pid_exists(pids[0])
    assert not server.folder.exists()


def test_server_that_fails_to_start_reports_why() -> None:
    class Broken(Echo):
        def command(self) -> list[str]:
            return [sys.executable, "-c", "raise SystemExit('no such port')"]

    with pytest.raises(AssertionError, match="no such port"):
        Broken().__enter__()


@requires("gst-rtsp-server")
def test_rtsp_camera_changes_size_codec_and_password_at_restart() -> None:
    with RtspServer(size=(160, 120)) as server:
        assert _first(server.address(), TCP) == ("h264", 160, 120)
        server.restart(size=(320, 240), codec="h265", password="p@ss:word/")
        assert _first(server.address(), TCP) == ("hevc", 320, 240)
        with pytest.raises(av.HTTPUnauthorizedError):
            _first(server.address(password="other"), TCP)
        server.restart(digest=True)
        assert _first(server.address(), TCP) == ("hevc", 320, 240)


@requires("gst-rtsp-server")
def test_published_rtsp_stream_is_relayed_unchanged() -> None:
    with RtspServer() as server, Sender.rtsp(server.address("/pub"), size=(160, 90), barcode=True):
        with Watcher.rtsp(server.address("/relay")) as watcher:
            until(lambda: len(watcher.frames()) > 10, "ten frames")
        assert all(frame.sent is not None for frame in watcher.frames())


@requires("nginx-rtmp")
def test_published_rtmp_stream_is_played_at_its_address() -> None:
    with RtmpServer() as server, Sender.rtmp(server.address(), size=(160, 90)):
        assert _first(server.address(), {"analyzeduration": "500000"}) == ("h264", 160, 90)


def test_http_server_serves_hls_and_mpegts_with_the_password_only() -> None:
    with HlsServer(size=(160, 90), password="p@ss") as server:
        assert _first(server.address()) == ("h264", 160, 90)
        assert _first(server.address("/live.ts")) == ("h264", 160, 90)
        with pytest.raises(av.HTTPUnauthorizedError):
            _first(server.address(password="other"))


@requires("xvfb")
def test_virtual_screen_is_captured() -> None:
    with Display(size=(160, 120)) as display:
        assert _first(display.address, {"framerate": "10"}, "x11grab") == ("rawvideo", 160, 120)


def test_free_port_is_found_for_tcp_and_udp() -> None:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        assert 0 < free_port(kind) < 2**16


def _first(address: str, options: dict[str, str] | None = None, format: str | None = None) -> tuple[str, int, int]:
    """Codec and size of the first frame."""
    with av.open(address, format=format, options=options or {}, timeout=15) as container:
        frame = next(container.decode(video=0))
        return container.streams.video[0].codec_context.codec.name.removeprefix("lib"), frame.width, frame.height
