"""Real servers that are killed, frozen, restarted, or that require passwords: the capture reconnects."""

from pathlib import Path

import pytest

from pipeline.errors import InputError
from tests.live.input.watched_capture import WatchedCapture, readers
from tests.servers import RtmpServer, RtspServer, Sender, requires
from tests.waiting import DEADLINE, until

needs_rtsp = requires("gst-rtsp-server")


@needs_rtsp
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_the_first_packet_of_a_camera_is_a_key_frame(transport: str) -> None:
    with RtspServer(audio=True) as server, WatchedCapture(server.address(), transport=transport) as camera:
        until(lambda: len(camera.packets(0)) > 10 and len(camera.packets(1)) > 10)
    assert camera.kinds == ["ConnectionOpened", "SerializedPacket"]
    assert camera.packets()[0].is_keyframe


@needs_rtsp
def test_a_server_that_was_killed_is_reconnected() -> None:
    with RtspServer() as server, WatchedCapture(server.address(), timeout=1) as camera:
        camera.until_live()
        server.kill()
        camera.until_fault("refused", 2)
        assert camera.figures.status in ("waiting", "connecting")
        server.start()
        camera.until_live(2)
    assert camera.kinds == [
        "ConnectionOpened",
        "SerializedPacket",
        "ConnectionLost",
        "ConnectionOpened",
        "SerializedPacket",
    ]


@needs_rtsp
def test_a_frozen_server_is_disconnected_and_tried_again() -> None:
    with RtspServer() as server, WatchedCapture(server.address(), timeout=1) as camera:
        camera.until_live()
        server.freeze()
        camera.until_fault("silent")
        server.thaw()
        camera.until_live(2)


@needs_rtsp
def test_ending_does_not_wait_for_a_frozen_server() -> None:
    with RtspServer() as server, WatchedCapture(server.address(), timeout=10 * DEADLINE) as camera:
        camera.until_live()
        server.freeze()
        camera.end()  # fails after DEADLINE
        assert not readers()


@needs_rtsp
def test_a_child_that_is_killed_is_replaced() -> None:
    with RtspServer() as server, WatchedCapture(server.address()) as camera:
        camera.until_live()
        readers()[0].kill()
        camera.until_live(2)
    assert camera.figures.faults == {"broken": 1}


@needs_rtsp
@pytest.mark.parametrize("digest", [False, True])
def test_a_changed_password_is_read_from_its_file_again(digest: bool, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("p@ss/1")
    with RtspServer(password="p@ss/1", digest=digest) as server:
        source = f"rtsp://admin:${{file:{secret}}}@127.0.0.1:{server.port}/live"
        with WatchedCapture(source, timeout=1) as camera:
            camera.until_live()
            server.restart(password="other")
            camera.until_fault("wrong password")
            secret.write_text("other")
            camera.until_live(2)
            assert camera.error is None


@needs_rtsp
def test_a_path_that_existed_once_is_waited_for() -> None:
    with RtspServer() as server, WatchedCapture(server.address("/ends"), tries=1) as camera:
        camera.until_live(2)
        until(lambda: "ended" in camera.figures.faults)
        assert camera.error is None


@needs_rtsp
def test_a_wrong_path_ends_a_source_that_never_was_live() -> None:
    with RtspServer() as server, WatchedCapture(server.address("/nothing"), tries=2) as camera:
        until(lambda: camera.ended)
    assert isinstance(camera.error, InputError)
    assert camera.figures.faults == {"wrong path": 2}


@requires("nginx-rtmp")
def test_rtmp_reconnects_when_its_server_restarts() -> None:
    with RtmpServer() as server, Sender.rtmp(server.address()), WatchedCapture(server.address(), timeout=2) as camera:
        camera.until_live()
        server.restart()
        camera.until_live(2)
        assert camera.packets()[0].is_keyframe
