"""A live source is read, reconnected, given up when it refuses, and leaves nothing behind."""

import http.server
import socket
import sys
import threading
import time
from collections import Counter
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
from tests.live.input.watched_capture import WatchedCapture, readers, stream
from tests.servers import Sender, free_port
from tests.waiting import no_thread_from, refusing_port, until


def test_a_file_is_read_in_real_time_and_again_at_its_end(tmp_path: Path) -> None:
    began = time.monotonic()
    with WatchedCapture(clips.make(tmp_path / "clip.mp4", frames=60)) as camera:
        camera.until_live(2)
    assert camera.kinds[:5] == [
        "ConnectionOpened",
        "SerializedPacket",
        "ConnectionLost",
        "ConnectionOpened",
        "SerializedPacket",
    ]
    assert camera.packets()[59].at - began >= 59 / 25  # on a slow machine, it is more
    assert camera.figures.faults["ended"] >= 1


def test_renew_replaces_the_connection() -> None:
    with WatchedCapture("testsrc2=size=64x48:rate=25", format="lavfi") as camera:
        camera.until_live()
        camera.capture.renew("no frames")
        camera.until_live(2)
    assert camera.figures.faults["broken"] == 1


def test_audio_is_read_unless_it_is_switched_off(clip: Path) -> None:
    for audio, count in ((True, 2), (False, 1)):
        with WatchedCapture(clip, audio=audio) as camera:
            camera.until_live()
        opened = camera.events[0]
        assert isinstance(opened, ConnectionOpened)
        assert opened.streams is not None
        with opened.streams.open() as container:
            assert len(container.streams) == count


def test_frames_of_libavfilter_arrive_as_raw_video() -> None:
    with WatchedCapture("testsrc2=size=64x48:rate=25", format="lavfi") as camera:
        until(lambda: len(camera.packets()) > 3)
    opened = camera.events[0]
    assert isinstance(opened, ConnectionOpened)
    assert opened.streams is not None
    with opened.streams.open() as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.pix_fmt) == (64, 48, "yuv420p")
        time_base = video.time_base or Fraction(0)
    assert {len(packet.data) for packet in camera.packets()} == {64 * 48 * 3 // 2}
    times = [packet.pts for packet in camera.packets() if packet.pts is not None]
    assert (times[1] - times[0]) * time_base == Fraction(1, 25)


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


def test_a_playlist_over_http_is_read_at_the_pace_of_its_timestamps(tmp_path: Path) -> None:
    clips.make(tmp_path / "part.ts", frames=60)
    began = time.monotonic()
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2.4,\npart.ts\n#EXT-X-ENDLIST\n")
    with served(tmp_path) as address, WatchedCapture(f"{address}/list.m3u8") as camera:
        camera.until_fault("ended")
    assert camera.packets()[-1].at - began >= 59 / 25 / 1.02  # playlists are read 2 % faster; on a slow machine, more


def test_a_playlist_from_the_network_can_not_read_local_files(tmp_path: Path, clip: Path) -> None:
    secret = clips.make(tmp_path / "secret.ts")
    (tmp_path / "list.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    )
    with served(tmp_path) as address, WatchedCapture(f"{address}/list.m3u8") as camera:
        until(lambda: camera.figures.faults.total() > 0)
    assert not camera.events


def test_a_missing_file_on_a_server_is_reported_as_wrong_path(tmp_path: Path) -> None:
    with served(tmp_path) as address, WatchedCapture(f"{address}/nothing.ts", tries=1) as camera:
        until(lambda: camera.ended)
    assert "the server has nothing at that path" in str(camera.error)


def test_udp_is_read_as_mpeg_ts() -> None:
    with Sender.udp() as sender, WatchedCapture(sender.source) as camera:
        camera.until_live()


def test_a_listening_source_reads_what_is_published() -> None:
    address = f"rtsp://127.0.0.1:{free_port()}/in"
    with WatchedCapture(address, input_options={"rtsp_flags": "listen"}) as camera, Sender.rtsp(address):
        camera.until_live()


@pytest.mark.parametrize(("status", "fault"), [("401 Unauthorized", "wrong password"), ("404 Not Found", "wrong path")])
def test_a_source_that_refuses_is_given_up(status: str, fault: str) -> None:
    with CannedServer(status) as server:
        source = f"rtsp://first.last:p%40ss@127.0.0.1:{server.port}/live"
        with WatchedCapture(source, tries=1) as camera:
            until(lambda: camera.ended)
    assert isinstance(camera.error, InputError)
    assert camera.figures.faults == {fault: 1}
    assert camera.figures.status == "failed"
    for secret in ("first", "p%40ss", "p@ss"):
        assert secret not in f"{camera.error} {camera.figures} {camera.capture!r}"


def test_a_server_that_is_down_is_tried_again() -> None:
    with refusing_port() as port, WatchedCapture(f"rtsp://127.0.0.1:{port}/live", poll=0.01) as camera:
        camera.until_fault("refused", 3)
        assert camera.figures.reason == "connection refused: no server at that port"
    assert not camera.events
    assert camera.figures.connects == 0


def test_an_unknown_host_name_is_tried_again() -> None:
    with WatchedCapture("rtsp://nothing.invalid/live", poll=0.01) as camera:
        camera.until_fault("unreachable", 2)


def test_a_missing_password_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="secret"):
        Capture(stream(f"rtsp://me:${{file:{tmp_path}/secret}}@127.0.0.1/live"))


def test_a_password_that_goes_missing_later_is_waited_for(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one")
    with (
        CannedServer(None) as server,
        WatchedCapture(f"rtsp://me:${{file:{secret}}}@127.0.0.1:{server.port}/x", poll=0.01) as camera,
    ):
        until(lambda: server.calls == 1)
        secret.unlink()
        readers()[0].kill()
        camera.until_fault("broken", 3)
        secret.write_text("two")
        until(lambda: server.calls == 2)


def test_a_silent_server_is_tried_again_without_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process, thread or pipe of the attempts is left."""
    monkeypatch.setattr(open_options, "OPENING_SECONDS", 0.4)
    this = psutil.Process()
    threads, files = set(threading.enumerate()), this.num_fds()
    with CannedServer(None) as server:
        with WatchedCapture(f"rtsp://127.0.0.1:{server.port}/live", poll=0.01) as camera:
            camera.until_fault("silent", 2)
            assert camera.figures.reason == "no answer for 0.4 s"
            while not server.calls:  # the child needs longer to start than an attempt lasts
                monkeypatch.setattr(open_options, "OPENING_SECONDS", 2 * open_options.OPENING_SECONDS)
                camera.until_fault("silent", camera.figures.faults["silent"] + 1)
        assert not readers()
    until(lambda: set(threading.enumerate()) <= threads)
    until(lambda: this.num_fds() <= files)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse connections when the queue is full")
def test_an_attempt_at_a_host_that_is_off_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket whose queue is full does not answer at all, like a host that is off."""
    monkeypatch.setattr(open_options, "OPENING_SECONDS", 0.3)
    with socket.socket() as host:
        host.bind(("127.0.0.1", 0))
        host.listen(0)
        address = host.getsockname()
        with socket.create_connection(address), WatchedCapture(f"rtsp://127.0.0.1:{address[1]}/x", poll=0.01) as camera:
            camera.until_fault("silent")
            monkeypatch.setattr(open_options, "OPENING_SECONDS", 1000)
            until(lambda: camera.figures.reason == "no answer")  # after one second, not after FFmpeg's ten


def test_closing_amid_the_iteration_leaves_no_child(clip: Path) -> None:
    capture = Capture(stream(clip))
    for _ in capture:
        break
    capture.close()
    capture.close()
    assert not readers()
    assert list(capture) == []


def test_a_file_that_is_not_video_is_reported_as_broken(tmp_path: Path) -> None:
    path = tmp_path / "noise.ts"
    path.write_bytes(b"not a video" * 100)
    with WatchedCapture(path) as camera:
        camera.until_fault("broken")
        assert camera.figures.reason == "the data is not video, or is damaged"


def test_a_fault_is_counted_once_its_reason_is_reported(tmp_path: Path) -> None:
    camera = WatchedCapture(tmp_path / "none.ts", tries=1)
    reasons: list[str] = []

    class Noting(Counter[str]):
        def __setitem__(self, fault: str, count: int) -> None:
            reasons.append(camera.figures.reason)
            super().__setitem__(fault, count)

    camera.figures.faults = Noting()
    with camera:
        until(lambda: camera.ended)
    assert reasons == ["the server has nothing at that path"]


def test_no_child_is_left_when_no_thread_can_be_started(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_thread_from(monkeypatch, "uprez-read")
    with WatchedCapture(clip, poll=0.01) as camera:
        camera.until_fault("broken", 2)
        assert camera.figures.reason == "can't receive from a process: can't start new thread"
    assert not readers()
