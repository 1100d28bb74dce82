"""Failures of an output: they do not affect the source and other outputs, and the output recovers."""

from __future__ import annotations

from pathlib import Path

import av

from tests.live.conftest import Start
from tests.servers import RtmpServer, RtspServer, Watcher, requires, until

SMALL = (160, 90)


@requires("gst-rtsp-server")
def test_a_dead_or_frozen_output_does_not_hold_up_the_stream(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as camera, RtspServer(records=True) as server:
        uprez = live(camera.address(), "--to", server.address("/in"), "--to", tmp_path / "kept.mkv", "--gop", "0.5")
        until(server.received, "a frame is published")
        server.kill()
        uprez.until(lambda stream: stream.outputs[0].status != "live", "its loss is noticed")
        uprez.until_out(25)
        uprez.until(lambda stream: stream.outputs[1].status == "live", "the file is written")
        frames = len(server.received())
        server.start()
        until(lambda: len(server.received()) > frames, "it is published again")
        assert server.received()[frames].key
        server.freeze()
        uprez.until_out(50)
        server.thaw()
        frames = len(server.received())
        until(lambda: len(server.received()) > frames, "it continues")
        uprez.end()
        last = uprez.stream
        assert last is not None
        assert last.outputs[1].packets == last.frames_out


@requires("nginx-rtmp", "gst-rtsp-server")
def test_rtmp_carries_audio_beside_the_video(live: Start) -> None:
    with RtspServer(size=SMALL, audio=True) as camera, RtmpServer() as server:
        uprez = live(camera.address(), "--to", server.address())
        uprez.until_out(10)
        with av.open(server.address(), options={"analyzeduration": "3000000"}) as container:
            kinds = {stream.type for stream in container.streams}
        assert kinds == {"video", "audio"}


@requires("gst-rtsp-server")
def test_hls_ends_with_an_end_tag_and_files_with_an_index(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as camera, Watcher.rtsp_listening() as viewer:
        outputs = ("--to", f"{tmp_path}/hls/", "--to", tmp_path / "kept.mp4", "--to", viewer.sink)
        uprez = live(camera.address(), *outputs, "--hls-segment", "1", "--gop", "0.5")
        uprez.until_out(40)
        until(lambda: len(viewer.frames()) > 10, "ten frames")
        uprez.end()
        assert uprez.code == 0, uprez.errors
    (playlist,) = (tmp_path / "hls").glob("*.m3u8")
    assert playlist.read_text().rstrip().endswith("#EXT-X-ENDLIST")
    (kept,) = tmp_path.glob("kept-*.mp4")
    with av.open(str(kept)) as container:
        assert len(list(container.decode(video=0))) > 30


@requires("gst-rtsp-server")
def test_after_sigkill_files_can_be_played_and_no_child_is_left(live: Start, tmp_path: Path) -> None:
    with RtspServer(size=SMALL) as camera:
        uprez = live(camera.address(), "--to", tmp_path / "kept.mkv", "--gop", "0.5")
        uprez.until_out(40)
        uprez.kill()
        until(lambda: not uprez.orphans(), "its children end")
    (kept,) = tmp_path.glob("kept-*.mkv")
    with av.open(str(kept)) as container:
        assert len(list(container.decode(video=0))) > 20
