"""A live source comes as it is, comes back, is given up when it refuses, and leaves nothing behind."""

import http.server
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

import psutil
import pytest

from pipeline.errors import InputError, SettingsError
from pipeline.live.input import open_options
from pipeline.live.input.capture import Capture
from pipeline.live.process.messages import ConnectionOpened
from tests import clips
from tests.canned_server import CannedServer
from tests.live.input.watched import PageSource, readers, stream
from tests.servers import Sender, free_port
from tests.waiting import until


def test_a_file_plays_in_real_time_and_again_at_its_end(clip: Path) -> None:
    with PageSource(clip) as camera:
        camera.until_live(2)
    assert camera.kinds[:5] == [
        "ConnectionOpened",
        "SerializedPacket",
        "ConnectionLost",
        "ConnectionOpened",
        "SerializedPacket",
    ]
    first, *_, last = [packet for packet in camera.packets() if packet.pts is not None][:12]
    assert last.at - first.at > 0.3  # twelve frames at 25 a second
    assert camera.figures.faults["ended"] == 1


def test_a_connection_that_is_of_no_use_is_left_for_another() -> None:
    with PageSource("testsrc2=size=64x48:rate=25", format="lavfi") as camera:
        camera.until_live()
        camera.capture.renew("it shows nothing")
        camera.until_live(2)
    assert camera.figures.faults["broken"] == 1


def test_sound_comes_along_unless_it_is_not_wanted(clip: Path) -> None:
    for audio, count in ((True, 2), (False, 1)):
        with PageSource(clip, audio=audio) as camera:
            camera.until_live()
        opened = camera.events[0]
        assert isinstance(opened, ConnectionOpened)
        assert opened.streams is not None
        assert len(opened.streams.open().streams) == count


def test_pictures_that_are_made_here_come_as_they_are() -> None:
    with PageSource("testsrc2=size=64x48:rate=25", format="lavfi") as camera:
        until(lambda: len(camera.packets()) > 3)
    opened = camera.events[0]
    assert isinstance(opened, ConnectionOpened)
    assert opened.streams is not None
    video = opened.streams.open().streams.video[0]
    assert (video.width, video.height, video.pix_fmt) == (64, 48, "yuv420p")
    assert {len(packet.data) for packet in camera.packets()} == {64 * 48 * 3 // 2}
    times = [packet.pts for packet in camera.packets() if packet.pts is not None]
    assert (times[1] - times[0]) * (video.time_base or 0) == Fraction(1, 25)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a web server with the files of `folder`."""
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_playlist_over_http_is_read_at_its_own_pace(tmp_path: Path) -> None:
    clips.make(tmp_path / "part.ts", frames=15)
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\npart.ts\n#EXT-X-ENDLIST\n")
    with served(tmp_path) as address, PageSource(f"{address}/list.m3u8") as camera:
        camera.until_fault("ended")
    first, *_, last = camera.packets()
    assert last.at - first.at > 0.4


def test_a_playlist_from_the_network_reads_no_file_of_this_machine(tmp_path: Path, clip: Path) -> None:
    secret = clips.make(tmp_path / "secret.ts")
    (tmp_path / "list.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    )
    with served(tmp_path) as address, PageSource(f"{address}/list.m3u8") as camera:
        until(lambda: camera.figures.faults.total() > 0)
    assert not camera.events


def test_a_missing_file_on_a_server_is_a_wrong_path(tmp_path: Path) -> None:
    with served(tmp_path) as address, PageSource(f"{address}/nothing.ts", tries=1) as camera:
        until(lambda: camera.ended)
    assert "the server has nothing at that path" in str(camera.error)


def test_datagrams_are_mpeg_ts() -> None:
    with Sender.udp() as sender, PageSource(sender.source) as camera:
        camera.until_live()


def test_who_waits_for_a_publisher_gets_what_is_published() -> None:
    address = f"rtsp://127.0.0.1:{free_port()}/in"
    with PageSource(address, input_options={"rtsp_flags": "listen"}) as camera, Sender.rtsp(address):
        camera.until_live()


@pytest.mark.parametrize(("status", "fault"), [("401 Unauthorized", "wrong password"), ("404 Not Found", "wrong path")])
def test_what_a_server_refuses_it_is_not_asked_for_ever(status: str, fault: str) -> None:
    with CannedServer(status) as server:
        source = f"rtsp://first.last:p%40ss@127.0.0.1:{server.port}/live"
        with PageSource(source, tries=1) as camera:
            until(lambda: camera.ended)
    assert isinstance(camera.error, InputError)
    assert camera.figures.faults == {fault: 1}
    assert camera.figures.status == "failed"
    for secret in ("first", "p%40ss", "p@ss"):
        assert secret not in f"{camera.error} {camera.figures} {camera.capture!r}"


def test_a_server_that_is_down_is_polled() -> None:
    with PageSource(f"rtsp://127.0.0.1:{free_port()}/live", poll=0.01) as camera:
        camera.until_fault("refused", 3)
        assert camera.figures.reason == "connection refused: no server at that port"
    assert not camera.events
    assert camera.figures.connects == 0


def test_a_name_that_is_not_known_may_be_known_later() -> None:
    with PageSource("rtsp://nothing.invalid/live", poll=0.01) as camera:
        camera.until_fault("unreachable", 2)


def test_a_password_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="secret"):
        Capture(stream(f"rtsp://me:${{file:{tmp_path}/secret}}@127.0.0.1/live"))


def test_a_password_that_is_missing_later_is_waited_for(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one")
    with (
        CannedServer(None) as server,
        PageSource(f"rtsp://me:${{file:{secret}}}@127.0.0.1:{server.port}/x", poll=0.01) as camera,
    ):
        until(lambda: server.calls == 1)
        secret.unlink()
        readers()[0].kill()
        camera.until_fault("broken", 3)
        secret.write_text("two")
        until(lambda: server.calls == 2)


def test_a_server_that_takes_calls_and_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again, and nothing of it is left: no process, no thread, no pipe."""
    monkeypatch.setattr(open_options, "_OPENING", 0.4)
    this = psutil.Process()
    threads, files = threading.active_count(), this.num_fds()
    with CannedServer(None) as server:
        with PageSource(f"rtsp://127.0.0.1:{server.port}/live", poll=0.01) as camera:
            camera.until_fault("silent", 2)
            assert camera.figures.reason == "no answer for 0.4 s"
            until(lambda: server.calls)
        assert not readers()
    until(lambda: threading.active_count() <= threads)
    assert this.num_fds() <= files


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse calls that they have no buffer for")
def test_a_host_that_is_off_is_not_called_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket whose queue is full gives no answer at all, as a host that is off."""
    monkeypatch.setattr(open_options, "_OPENING", 0.3)
    with socket.socket() as host:
        host.bind(("127.0.0.1", 0))
        host.listen(0)
        address = host.getsockname()
        with socket.create_connection(address), PageSource(f"rtsp://127.0.0.1:{address[1]}/x", poll=0.01) as camera:
            camera.until_fault("silent")
            monkeypatch.setattr(open_options, "_OPENING", 1000)
            until(lambda: camera.figures.reason == "no answer")  # after a second, not FFmpeg's ten


def test_who_takes_no_longer_leaves_nothing_behind(clip: Path) -> None:
    capture = Capture(stream(clip))
    for _ in capture:
        break
    capture.close()
    capture.close()
    assert not readers()
    assert list(capture) == []


def test_a_file_that_is_no_video_says_so(tmp_path: Path) -> None:
    path = tmp_path / "noise.ts"
    path.write_bytes(b"nothing to see" * 100)
    with PageSource(path) as camera:
        camera.until_fault("broken")
        assert camera.figures.reason == "the data is not video, or is damaged"
