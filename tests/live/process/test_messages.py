"""Streams and packets are after the wire what they were before it."""

import pickle
from fractions import Fraction
from pathlib import Path

import av
import pytest

from pipeline.live.process.messages import Open, OpenSource, SerializedPacket, Streams
from tests import clips


@pytest.mark.parametrize("suffix", ["mp4", "ts", "mkv"])
def test_what_comes_over_the_wire_can_be_decoded(suffix: str, tmp_path: Path) -> None:
    path = clips.make(tmp_path / f"clip.{suffix}")
    with av.open(str(path)) as container:
        streams = pickle.loads(pickle.dumps(Streams.of(container.streams)))
        video, _ = container.streams
        parcels = [SerializedPacket.of(packet, 0, 1.5) for packet in container.demux(video) if packet.size]
    with streams.opened() as template:
        decoder = template.streams.video[0]
        frames = [frame for each in parcels for frame in decoder.decode(each.packet(Fraction(1)))]
        frames += decoder.decode(None)
    assert streams.rates == (25, None)
    lumas = [int(frame.to_ndarray()[10, 10]) for frame in frames]
    assert lumas == pytest.approx([clips.shade(index) for index in range(12)], abs=4)


def test_a_parcel_is_its_packet() -> None:
    parcel = SerializedPacket(0, b"data", 7, None, 2, True, 1.5)
    packet = parcel.packet(Fraction(1, 90_000))
    assert (bytes(packet), packet.pts, packet.dts, packet.duration, packet.is_keyframe) == (b"data", 7, None, 2, True)
    assert SerializedPacket.of(packet, 0, 1.5) == parcel


@pytest.mark.parametrize("layout", ["yuyv422", "rgb24", "bgr0", "nv12"])
def test_pictures_that_are_not_coded_keep_their_layout(layout: str, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(64 * 48 * 4 * 2))
    with av.open(str(raw), format="rawvideo", options={"video_size": "64x48", "pixel_format": layout}) as container:
        streams = Streams.of(container.streams)
    assert streams.opened().streams.video[0].pix_fmt == layout


def test_what_is_opened_shows_no_secret() -> None:
    for kind in (Open, OpenSource):
        assert "secret" not in repr(kind("rtsp://me:secret@camera/", options={"password": "secret"}))
