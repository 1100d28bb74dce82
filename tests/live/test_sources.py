"""Failures of a source: the stream reconnects, and its figures are right."""

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
def test_every_frame_of_a_camera_is_accounted_for(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as camera, RtspServer(records=True) as server:
        uprez = live(camera.address(), "--to", server.address("/in"), "--to", tmp_path / "kept.mkv")
        first = until(server.received, "a frame is published")[0]
        print(f"{first.at - uprez.began:.2f} s from the process's start to its first frame at the server")
        stream = uprez.until_out(25)
        assert stream.source_format.startswith("160x90 yuv420p, h264")
        uprez.until(lambda stream: {output.status for output in stream.outputs} == {"live"}, "both outputs are live")
        uprez.end()
        assert uprez.code == 0, uprez.errors
        assert uprez.orphans() == []
        last = uprez.stream
        assert last is not None
        assert last.frames_in == last.frames_out + sum(last.dropped.values())
        (kept,) = tmp_path.glob("kept-*.mkv")
        assert len(_times(kept)) == last.outputs[1].packets


@requires("gst-rtsp-server")
def test_a_camera_that_was_killed_is_reconnected_and_timestamps_continue(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as camera:
        uprez = live(camera.address(), "--to", tmp_path / "kept.mkv")
        uprez.until_out(10)
        camera.kill()
        uprez.until(lambda stream: stream.status != "live", "the loss is noticed")
        camera.start()
        uprez.until(lambda stream: stream.status == "live" and stream.connects == 2, "it is reconnected")
        uprez.until_out(10)
        uprez.end()
        (kept,) = tmp_path.glob("kept-*.mkv")
        times = _times(kept)
        assert all(one < other for one, other in itertools.pairwise(times))


@requires("gst-rtsp-server")
def test_a_frozen_camera_is_disconnected_and_tried_again(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as camera:
        uprez = live(camera.address(), "--to", tmp_path / "kept.mkv", "--timeout", "1")
        uprez.until_out(10)
        camera.freeze()
        uprez.until(lambda stream: stream.faults.get("silent", 0) > 0, "its silence is noticed")
        camera.thaw()
        uprez.until_out(10)


@requires("gst-rtsp-server")
def test_another_size_starts_another_file_of_the_same_stream(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as camera, RtspServer(records=True) as server:
        uprez = live(camera.address(), "--to", server.address("/in"), "--to", tmp_path / "kept.mkv")
        uprez.until_out(10)
        camera.restart(size=(320, 180), codec="h265")
        until(lambda: server.received() and server.received()[-1].size == (320, 180), "the new size is published")
        stream = uprez.until(lambda stream: stream.source_format.startswith("320x180"), "the new size is reported")
        assert "hevc" in stream.source_format
        uprez.end()
        assert [_size(path) for path in sorted(tmp_path.glob("kept-*.mkv"))] == [SMALL, (320, 180)]


@requires("gst-rtsp-server")
def test_a_wrong_password_ends_the_process_and_is_not_printed(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL, password="right") as camera:
        wrong = camera.address(password="wr0ng:p@ss/")
        uprez = live(wrong, "--to", tmp_path / "kept.mkv", "--tries", "2")
        until(lambda: uprez.code is not None, "it gives up")
        assert uprez.code == 4
        assert "password" in uprez.errors
        assert "wr0ng" not in uprez.messages


@requires("gst-rtsp-server")
@pytest.mark.parametrize("digest", [False, True], ids=["basic", "digest"])
def test_a_password_from_a_file_is_read_again(live: Start, tmp_path: Path, digest: bool) -> None:
    secret = tmp_path / "secret"
    secret.write_text("f1rst:p@ss/%\n")
    with RtspServer(size=SMALL, password="f1rst:p@ss/%", digest=digest) as camera:
        address = f"rtsp://admin:${{file:{secret}}}@127.0.0.1:{camera.port}/live"
        uprez = live(address, "--to", tmp_path / "kept.mkv")
        uprez.until_out(5)
        command_lines = [" ".join(process.cmdline()) for process in uprez.family()[1:]]
        assert command_lines
        assert not any("f1rst" in line for line in command_lines)
        camera.restart(password="sec0nd:p@ss/%")
        uprez.until(lambda stream: stream.faults.get("wrong password", 0) > 0, "it is refused")
        secret.write_text("sec0nd:p@ss/%\n")
        uprez.until_out(5)
        uprez.end()
        assert not any(word in uprez.messages for word in ("f1rst", "sec0nd", "p@ss", "p%40ss"))


def test_streams_over_http_and_udp_run_side_by_side(live: Start, tmp_path: Path) -> None:
    with HlsServer(size=SMALL) as server, Sender.udp(size=SMALL, gop=0.5) as sender:
        sources = {"ts": server.address("/live.ts"), "hls": server.address(), "udp": sender.source}
        uprez = live("--config", _config(tmp_path, {name: {"source": source} for name, source in sources.items()}))
        _until_all(uprez, lambda stream: stream.frames_out > 5)


@requires("nginx-rtmp", "xvfb")
def test_rtmp_and_a_screen_run_side_by_side(live: Start, tmp_path: Path) -> None:
    with RtmpServer() as server, Sender.rtmp(server.address(), size=SMALL, gop=0.5), Display(size=SMALL) as display:
        grabbing = {"framerate": 10, "video_size": "160x90"}
        screen: dict[str, object] = {"source": display.address, "format": "x11grab", "input_options": grabbing}
        uprez = live("--config", _config(tmp_path, {"rtmp": {"source": server.address()}, "screen": screen}))
        _until_all(uprez, lambda stream: stream.frames_out > 5)
        assert uprez.figures
        assert all(stream.source_format.startswith("160x90") for stream in uprez.figures.streams)


@requires("gst-rtsp-server")
def test_a_lost_camera_does_not_affect_another_one(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as working, RtspServer(size=SMALL) as lost:
        sources: dict[str, dict[str, object]] = {
            "lost": {"source": lost.address()},
            "working": {"source": working.address()},
        }
        uprez = live("--config", _config(tmp_path, sources))
        _until_all(uprez, lambda stream: stream.frames_out > 0)
        lost.kill()
        uprez.until(lambda stream: stream.status == "waiting", "one is lost")
        assert uprez.figures
        frames = uprez.figures.streams[1].frames_out
        until(lambda: uprez.figures and uprez.figures.streams[1].frames_out > frames + 25, "the other continues")
        assert uprez.figures.streams[1].faults == {}


def _config(folder: Path, streams: dict[str, dict[str, object]]) -> Path:
    """A settings file in which each stream is written to a file of its name."""
    path = folder / "streams.yaml"
    entries = [{"name": name, "to": f"{folder}/{name}.mkv", **stream} for name, stream in streams.items()]
    path.write_text(yaml.safe_dump({"streams": entries}))
    return path


def _until_all(uprez: Uprez, condition: Callable[[StreamFigures], bool]) -> None:
    def all_do() -> bool:
        assert uprez.code is None, uprez.errors
        return uprez.figures is not None and all(condition(stream) for stream in uprez.figures.streams)

    until(all_do, f"all streams do; {uprez.figures}")


def _times(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [frame.pts or 0 for frame in container.decode(video=0)]


def _size(path: Path) -> tuple[int, int]:
    with av.open(str(path)) as container:
        return container.streams.video[0].width, container.streams.video[0].height
