"""Streams and packets are the same after pickling."""

import pickle
from fractions import Fraction
from pathlib import Path

import av
import pytest

from pipeline.live.process.messages import OpenRequest, SerializedPacket, SourceRequest, StreamHeader
from tests import clips


@pytest.mark.parametrize("suffix", ["mp4", "ts", "mkv"])
def test_pickled_packets_can_be_decoded(suffix: str, tmp_path: Path) -> None:
    path = clips.make(tmp_path / f"clip.{suffix}")
    with av.open(str(path)) as container:
        streams = pickle.loads(pickle.dumps(StreamHeader.of(container.streams)))
        video, _ = container.streams
        packets = [SerializedPacket.of(packet, 0, 1.5) for packet in container.demux(video) if packet.size]
    with streams.open() as template:
        decoder = template.streams.video[0]
        frames = [frame for each in packets for frame in decoder.decode(each.to_av(Fraction(1)))]
        frames += decoder.decode(None)
    assert streams.rates == (25, None)
    lumas = [int(frame.to_ndarray()[10, 10]) for frame in frames]
    assert lumas == pytest.approx([clips.shade(index) for index in range(12)], abs=4)


def test_a_serialized_packet_becomes_the_same_av_packet() -> None:
    serialized = SerializedPacket(0, b"data", 7, None, 2, True, 1.5)
    packet = serialized.to_av(Fraction(1, 90_000))
    assert (bytes(packet), packet.pts, packet.dts, packet.duration, packet.is_keyframe) == (b"data", 7, None, 2, True)
    assert SerializedPacket.of(packet, 0, 1.5) == serialized


@pytest.mark.parametrize("pix_fmt", ["yuyv422", "rgb24", "bgr0", "nv12"])
def test_raw_video_keeps_its_pixel_format(pix_fmt: str, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(64 * 48 * 4 * 2))
    with av.open(str(raw), format="rawvideo", options={"video_size": "64x48", "pixel_format": pix_fmt}) as container:
        streams = StreamHeader.of(container.streams)
    with streams.open() as template:
        assert template.streams.video[0].pix_fmt == pix_fmt


def test_the_repr_of_a_request_contains_no_secret() -> None:
    for kind in (OpenRequest, SourceRequest):
        assert "secret" not in repr(kind("rtsp://me:secret@camera/", options={"password": "secret"}))
