"""Packets of AVI that have two frames are divided; others are left alone."""

from pathlib import Path

import av

from pipeline.media.reading.file_source import FileSource
from pipeline.media.reading.packed_frames import unpack_frames
from tests.cases import timing
from tests.cases.film import film


def test_each_packet_has_one_frame(tmp_path: Path) -> None:
    timing.packed_b_frames.make(tmp_path)
    with FileSource(tmp_path / timing.packed_b_frames.name) as source:
        contents = [bytes(packet) for packet in source]
    assert len(contents) == 30
    assert {content.count(b"\0\0\1\xb6") for content in contents} == {1}


def test_packets_with_one_frame_pass_unchanged(tmp_path: Path) -> None:
    film(tmp_path / "film.avi", codec="mpeg4", textured=True, bf="1")
    with av.open(str(tmp_path / "film.avi")) as container:
        expected = [bytes(packet) for packet in container.demux() if packet.size]
    with FileSource(tmp_path / "film.avi") as source:
        assert [bytes(packet) for packet in source] == expected


def test_only_mpeg4_in_avi_is_divided(tmp_path: Path) -> None:
    for name, codec in (("film.avi", "libx264"), ("film.mkv", "mpeg4")):
        film(tmp_path / name, range(2), codec=codec)
        with av.open(str(tmp_path / name)) as container:
            packets = iter([*container.demux()])
            assert unpack_frames(packets, container, container.streams.video[0]) is packets
