"""Packets survive as bytes: content, times, flags and side data."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.packet import PacketSideData
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.segments.packet_record import VIDEO, pack_packet, unpack_packets

TIMES = st.none() | st.integers(-(2**62), 2**62)


@given(
    content=st.binary(max_size=300),
    pts=TIMES,
    dts=TIMES,
    duration=st.integers(0, 2**40),
    base=st.fractions(Fraction(1, 10**6), 10, max_denominator=10**6),
    flags=st.tuples(*[st.booleans()] * 2),
)
def test_a_packet_keeps_content_times_and_flags(
    content: bytes, pts: int | None, dts: int | None, duration: int, base: Fraction, flags: tuple[bool, ...]
) -> None:
    packet = av.Packet(content)
    packet.pts, packet.dts, packet.duration, packet.time_base = pts, dts, duration, base
    names = ("is_keyframe", "is_corrupt")
    for name, flag in zip(names, flags, strict=True):
        setattr(packet, name, flag)
    [(stream, again)] = unpack_packets(memoryview(pack_packet(packet)))
    assert stream == VIDEO
    assert bytes(again) == content
    assert (again.pts, again.dts, again.duration, again.time_base) == (pts, dts, duration, base)
    assert tuple(bool(getattr(again, name)) for name in names) == flags


def test_side_data_is_kept_in_its_kinds() -> None:
    packet = av.Packet(b"coded")
    packet.time_base = Fraction(1, 1000)
    for kind, content in ((15, b"alpha"), (11, bytes(10))):
        data = PacketSideData(kind, len(content))  # type: ignore[call-arg]  # its stub lacks the constructor
        data.update(content)
        packet.set_sidedata(data)
    [(_, again)] = unpack_packets(memoryview(pack_packet(packet)))
    assert {each.data_type: bytes(each) for each in again.iter_sidedata()} == {
        "matroska_block_additional": b"alpha",
        "skip_samples": bytes(10),
    }


def test_packets_of_a_source_keep_the_index_of_their_stream(clip: Path) -> None:
    with av.open(str(clip)) as container:
        packets = [packet for packet in container.demux() if packet.size]
        records = memoryview(b"".join(map(pack_packet, packets)))
        again = list(unpack_packets(records))
        assert [stream for stream, _ in again] == [packet.stream_index for packet in packets]
        assert [bytes(packet) for _, packet in again] == [bytes(packet) for packet in packets]


def test_bytes_that_are_cut_off_are_an_error() -> None:
    packet = av.Packet(b"coded")
    packet.time_base = Fraction(1, 25)
    with pytest.raises(struct.error):
        list(unpack_packets(memoryview(pack_packet(packet)[:20])))
