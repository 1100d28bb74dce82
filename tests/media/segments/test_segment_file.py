"""A segment is in its file completely or not at all, and damage to it never passes unnoticed."""

import os
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.media.reading.source import Packet
from pipeline.media.segments.segment_file import VIDEO, SegmentError, SegmentWriter, StoredSegment


def _packet(content: bytes, pts: int) -> Packet:
    packet: Packet = av.Packet(content)
    packet.pts, packet.time_base = pts, Fraction(1, 25)
    return packet


def _write(path: Path) -> bytes:
    writer = SegmentWriter(path)
    for number in (0, 2, 1):
        writer.add(_packet(f"frame {number}".encode(), number))
    writer.commit("job", 3)
    return path.read_bytes()


def test_a_segment_is_read_as_it_was_written(tmp_path: Path) -> None:
    _write(tmp_path / "0")
    segment = StoredSegment(tmp_path / "0")
    assert (segment.facts.job, segment.facts.index, segment.facts.times) == ("job", 3, (0, 1, 2))
    assert [(stream, bytes(packet)) for stream, packet in segment.packets()] == [
        (VIDEO, b"frame 0"),
        (VIDEO, b"frame 2"),
        (VIDEO, b"frame 1"),
    ]


def test_packets_of_other_streams_are_counted_by_stream(clip: Path, tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "0")
    with av.open(str(clip)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        for packet in packets:
            writer.add(packet)
    facts = writer.commit("job", 0)
    assert facts.others == StoredSegment(tmp_path / "0").facts.others == {1: len(packets)}


def test_a_segment_has_no_name_before_it_is_committed(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "0")
    writer.add(_packet(b"frame", 0))
    assert not (tmp_path / "0").exists()
    writer.discard()
    assert os.listdir(tmp_path) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_is_found(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(_write(tmp_path / "0"))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (tmp_path / "0").write_bytes(content)
    with pytest.raises(SegmentError, match="is damaged"):
        StoredSegment(tmp_path / "0")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cut_is_found(tmp_path: Path, data: st.DataObject) -> None:
    content = _write(tmp_path / "0")
    (tmp_path / "0").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(SegmentError, match="is damaged"):
        StoredSegment(tmp_path / "0")


def test_a_missing_segment_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(SegmentError, match="0: is missing"):
        StoredSegment(tmp_path / "0")
