"""What befalls a source: the stream comes back, and what is told of it is true."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import av
import pytest
import yaml

from pipeline.live.stats import StreamFigures
from tests.live.conftest import Start
from tests.servers import Display, HlsServer, RtmpServer, RtspServer, Sender, Uprez, requires, until

SMALL = (160, 90)


@requires("gst-rtsp-server")
def test_a_camera_is_on_air_soon_and_its_frames_are_all_accounted_for(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as camera, RtspServer(records=True) as server:
        uprez = live(camera.address(), "--to", server.address("/in"), "--to", tmp_path / "kept.mkv")
        first = until(server.received, "a picture is published")[0]
        print(f"{first.at - uprez.began:.2f} s from the process's start to its first picture at the server")
        stream = uprez.until_out(25)
        assert stream.source_format.startswith("160x90 yuv420p, h264")
        assert [output.status for output in stream.outputs] == ["live", "live"]
        assert uprez.end() < 20
        assert uprez.code == 0, uprez.errors
        assert uprez.orphans() == []
        last = uprez.stream
        assert last is not None
        assert last.frames_in == last.frames_out + sum(last.dropped.values())
        (kept,) = tmp_path.glob("kept-*.mkv")
        assert len(_times(kept)) == last.outputs[1].packets


@requires("gst-rtsp-server")
def test_a_camera_that_is_killed_comes_back_and_time_goes_on(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as camera:
        uprez = live(camera.address(), "--to", tmp_path / "kept.mkv")
        uprez.until_out(10)
        camera.kill()
        uprez.until(lambda stream: stream.status != "live", "the loss is noticed")
        camera.start()
        uprez.until(lambda stream: stream.status == "live" and stream.connects == 2, "it is back")
        uprez.until_out(10)
        uprez.end()
        (kept,) = tmp_path.glob("kept-*.mkv")
        times = _times(kept)
        assert all(one < other for one, other in itertools.pairwise(times))


@requires("gst-rtsp-server")
def test_a_camera_that_is_frozen_is_left_and_tried_again(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as camera:
        uprez = live(camera.address(), "--to", tmp_path / "kept.mkv", "--timeout", "1")
        uprez.until_out(10)
        camera.freeze()
        uprez.until(lambda stream: stream.faults.get("silent", 0) > 0, "its silence is noticed")
        camera.thaw()
        uprez.until_out(10)


@requires("gst-rtsp-server")
def test_another_size_is_another_file_and_the_same_stream(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as camera, RtspServer(records=True) as server:
        uprez = live(camera.address(), "--to", server.address("/in"), "--to", tmp_path / "kept.mkv")
        uprez.until_out(10)
        camera.restart(size=(320, 180), codec="h265")
        until(lambda: server.received() and server.received()[-1].size == (320, 180), "the new size is published")
        stream = uprez.until(lambda stream: stream.source_format.startswith("320x180"), "the new size is told")
        assert "hevc" in stream.source_format
        uprez.end()
        assert [_size(path) for path in sorted(tmp_path.glob("kept-*.mkv"))] == [SMALL, (320, 180)]


@requires("gst-rtsp-server")
def test_a_wrong_password_ends_it_and_is_not_said(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL, password="right") as camera:
        wrong = camera.address(password="wr0ng:p@ss/")
        uprez = live(wrong, "--to", tmp_path / "kept.mkv", "--tries", "2")
        until(lambda: uprez.code is not None, "it gives up")
        assert uprez.code == 4
        assert "password" in uprez.errors
        assert "wr0ng" not in uprez.messages


@requires("gst-rtsp-server")
@pytest.mark.parametrize("digest", [False, True], ids=["basic", "digest"])
def test_a_password_from_a_file_is_read_anew(live: Start, tmp_path: Path, digest: bool) -> None:
    secret = tmp_path / "secret"
    secret.write_text("f1rst:p@ss/%\n")
    with RtspServer(size=SMALL, password="f1rst:p@ss/%", digest=digest) as camera:
        address = f"rtsp://admin:${{file:{secret}}}@127.0.0.1:{camera.port}/live"
        uprez = live(address, "--to", tmp_path / "kept.mkv")
        uprez.until_out(5)
        told = [" ".join(process.cmdline()) for process in uprez.family()[1:]]
        assert told
        assert not any("f1rst" in line for line in told)
        camera.restart(password="sec0nd:p@ss/%")
        uprez.until(lambda stream: stream.faults.get("wrong password", 0) > 0, "it is refused")
        secret.write_text("sec0nd:p@ss/%\n")
        uprez.until_out(5)
        uprez.end()
        assert not any(word in uprez.messages for word in ("f1rst", "sec0nd", "p@ss", "p%40ss"))


def test_streams_over_http_and_udp_side_by_side(live: Start, tmp_path: Path) -> None:
    with HlsServer(size=SMALL) as server, Sender.udp(size=SMALL, gop=0.5) as sender:
        sources = {"ts": server.address("/live.ts"), "hls": server.address(), "udp": sender.source}
        uprez = live("--config", _config(tmp_path, {name: {"source": source} for name, source in sources.items()}))
        _until_all(uprez, lambda stream: stream.frames_out > 5)


@requires("nginx-rtmp", "xvfb")
def test_rtmp_and_a_screen_side_by_side(live: Start, tmp_path: Path) -> None:
    with RtmpServer() as server, Sender.rtmp(server.address(), size=SMALL, gop=0.5), Display(size=SMALL) as display:
        film = {"framerate": 10, "video_size": "160x90"}
        screen = {"source": display.address, "format": "x11grab", "input_options": film}
        uprez = live("--config", _config(tmp_path, {"rtmp": {"source": server.address()}, "screen": screen}))
        _until_all(uprez, lambda stream: stream.frames_out > 5)
        assert uprez.figures
        assert all(stream.source_format.startswith("160x90") for stream in uprez.figures.streams)


@requires("gst-rtsp-server")
def test_one_camera_that_is_gone_does_not_touch_the_other(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as here, RtspServer(size=SMALL) as gone:
        sources = {"gone": {"source": gone.address()}, "here": {"source": here.address()}}
        uprez = live("--config", _config(tmp_path, sources))
        _until_all(uprez, lambda stream: stream.frames_out > 0)
        gone.kill()
        uprez.until(lambda stream: stream.status == "waiting", "one is gone")
        assert uprez.figures
        have = uprez.figures.streams[1].frames_out
        until(lambda: uprez.figures and uprez.figures.streams[1].frames_out > have + 25, "the other goes on")
        assert uprez.figures.streams[1].faults == {}


def _config(folder: Path, streams: dict[str, dict[str, object]]) -> Path:
    """A file of settings, in which each stream goes to a file of its name."""
    path = folder / "streams.yaml"
    told = [{"name": name, "to": f"{folder}/{name}.mkv", **stream} for name, stream in streams.items()]
    path.write_text(yaml.safe_dump({"streams": told}))
    return path


def _until_all(uprez: Uprez, happens: Callable[[StreamFigures], bool]) -> None:
    def seen() -> bool:
        assert uprez.code is None, uprez.errors
        return uprez.figures is not None and all(happens(stream) for stream in uprez.figures.streams)

    until(seen, f"all streams do; {uprez.figures}")


def _times(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [frame.pts for frame in container.decode(video=0)]


def _size(path: Path) -> tuple[int, int]:
    with av.open(str(path)) as container:
        return container.streams.video[0].width, container.streams.video[0].height
