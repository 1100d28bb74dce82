"""A container without a planned end: limits of its timestamps."""

from dataclasses import replace
from pathlib import Path

import av
import pytest

from pipeline.live.output.muxer import Muxer, TimestampOverflow
from pipeline.live.process.messages import OpenRequest
from pipeline.media.writing.container_support import container_spec
from tests import live_packets

DAY = 86_400 * live_packets.TICKS


def test_rtmp_is_opened_again_before_its_timestamps_overflow(tmp_path: Path) -> None:
    streams, items = live_packets.coded(20, gop=10)
    muxer = Muxer(OpenRequest(str(tmp_path / "long.flv"), "flv", {}, streams))
    later = [replace(each, pts=each.pts + 24 * DAY, dts=None) for each in items if each.pts is not None]
    assert all(muxer.mux(item) for item in [*items, *later[1:10]])
    with pytest.raises(TimestampOverflow, match="after 24 days"):
        muxer.mux(later[10])
    muxer.close()


@pytest.mark.parametrize("laps", [1, 3])
def test_a_transport_stream_continues_when_its_clock_wraps(tmp_path: Path, laps: int) -> None:
    path = tmp_path / "long.ts"
    streams, items = live_packets.coded(20, start=laps * 2**33 - 10 * live_packets.STEP)
    muxer = Muxer(OpenRequest(str(path), "mpegts", {}, streams))
    assert all(muxer.mux(item) for item in items)
    muxer.close()
    with av.open(path) as file:
        times = [packet.pts for packet in file.demux(video=0) if packet.pts is not None]
    assert [time - times[0] for time in times] == [number * live_packets.STEP for number in range(20)]


@pytest.mark.parametrize("muxer", ["mp4", "mov"])
def test_recordings_in_h265_are_tagged_hvc1_as_apple_s_players_expect(tmp_path: Path, muxer: str) -> None:
    path = tmp_path / "recorded"
    streams, items = live_packets.coded(20, codec="libx265")
    recording = Muxer(OpenRequest(str(path), muxer, dict(container_spec(muxer).live_options or {}), streams))
    assert all(recording.mux(item) for item in items)
    recording.close()
    with av.open(path) as file:
        assert file.streams.video[0].codec_context.codec_tag == "hvc1"
    assert live_packets.frame_count(path) == 20
