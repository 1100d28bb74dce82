"""The servers do what tests lean on, and leave nothing behind."""

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
    """Takes calls, and no more."""

    def command(self) -> list[str]:
        listen = f"import socket, sys; s = socket.create_server(('127.0.0.1', {self.port})); sys.stdin.read()"
        return [sys.executable, "-c", listen]


def test_a_server_that_is_frozen_takes_calls_and_is_silent_and_one_that_is_killed_takes_none() -> None:
    with Echo() as server:
        server.freeze()
        until(lambda: psutil.Process(server.pid).status() == psutil.STATUS_STOPPED, "it stands still")
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
        server.thaw()
        server.kill()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)
        server.restart()
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()


def test_nothing_is_left_of_a_server_when_a_test_fails() -> None:
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


def test_a_server_that_does_not_come_up_tells_why() -> None:
    class Broken(Echo):
        def command(self) -> list[str]:
            return [sys.executable, "-c", "raise SystemExit('no such port')"]

    with pytest.raises(AssertionError, match="no such port"):
        Broken().__enter__()


@requires("gst-rtsp-server")
def test_a_camera_and_its_change_of_size_codec_and_password() -> None:
    with RtspServer(size=(160, 120)) as server:
        assert _first(server.address(), TCP) == ("h264", 160, 120)
        server.restart(size=(320, 240), codec="h265", password="p@ss:word/")
        assert _first(server.address(), TCP) == ("hevc", 320, 240)
        with pytest.raises(av.HTTPUnauthorizedError):
            _first(server.address(password="other"), TCP)
        server.restart(digest=True)
        assert _first(server.address(), TCP) == ("hevc", 320, 240)


@requires("gst-rtsp-server")
def test_what_is_published_is_relayed_as_it_is() -> None:
    with RtspServer() as server, Sender.rtsp(server.address("/pub"), size=(160, 90), barcode=True):
        with Watcher.rtsp(server.address("/relay")) as watcher:
            until(lambda: len(watcher.seen()) > 10, "ten pictures")
        assert all(seen.sent is not None for seen in watcher.seen())


@requires("nginx-rtmp")
def test_rtmp_comes_out_where_it_went_in() -> None:
    with RtmpServer() as server, Sender.rtmp(server.address(), size=(160, 90)):
        assert _first(server.address(), {"analyzeduration": "500000"}) == ("h264", 160, 90)


def test_hls_and_a_stream_without_end_over_http_for_those_who_know_the_password() -> None:
    with HlsServer(size=(160, 90), password="p@ss") as server:
        assert _first(server.address()) == ("h264", 160, 90)
        assert _first(server.address("/live.ts")) == ("h264", 160, 90)
        with pytest.raises(av.HTTPUnauthorizedError):
            _first(server.address(password="other"))


@requires("xvfb")
def test_a_screen_that_is_filmed() -> None:
    with Display(size=(160, 120)) as display:
        assert _first(display.address, {"framerate": "10"}, "x11grab") == ("rawvideo", 160, 120)


def test_ports_are_free() -> None:
    assert free_port() != free_port(socket.SOCK_DGRAM)


def _first(address: str, options: dict[str, str] | None = None, format: str | None = None) -> tuple[str, int, int]:
    """Codec and size of the first picture."""
    with av.open(address, format=format, options=options or {}, timeout=15) as container:
        frame = next(container.decode(video=0))
        return container.streams.video[0].codec_context.codec.name.removeprefix("lib"), frame.width, frame.height
