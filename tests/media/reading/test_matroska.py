"""Gaps in the chain of blocks of a Matroska file are found, and nothing else is."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.matroska import read_element
from tests import clips


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds in clusters of one second, with audio."""
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    source = clips.make(path.with_suffix(".mp4"), 200, options={"crf": "10", "g": "25", "bf": "0"})
    options = {"cluster_time_limit": "1000"}
    with av.open(str(source)) as original, av.open(str(path), "w", container_options=options) as container:
        routes = {s.index: container.add_stream_from_template(s) for s in original.streams}
        for packet in original.demux():
            if packet.size:
                packet.stream = routes[packet.stream_index]
                container.mux(packet)
    return path


def packet_positions(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [packet.pos for packet in container.demux(video=0) if packet.size and packet.pos is not None]


def count_packets(path: Path) -> tuple[int, FileSource]:
    with FileSource(path) as source:
        return sum(1 for _ in source), source


@pytest.mark.parametrize("index_in_front", [False, True])
def test_intact_file_has_no_gap(clip: Path, index_in_front: bool, tmp_path: Path) -> None:
    path = clip
    if index_in_front:
        path = tmp_path / "cues.mkv"
        with (
            av.open(str(clip)) as original,
            av.open(str(path), "w", container_options={"cues_to_front": "1"}) as container,
        ):
            stream = container.add_stream_from_template(original.streams.video[0])
            container.add_attachment("font.ttf", "font/ttf", b"\0" * 5000)
            for packet in original.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    container.mux(packet)
    assert count_packets(path)[1].damage.is_empty


@pytest.mark.parametrize("filling", ["zeros", "noise"])
@pytest.mark.parametrize(("first", "last"), [(60, 70), (180, 199)], ids=["in the middle", "at the end"])
def test_overwritten_part_is_found(clip: Path, tmp_path: Path, filling: str, first: int, last: int) -> None:
    positions = packet_positions(clip)
    content = bytearray(clip.read_bytes())
    size = positions[last] - positions[first]
    noise = np.random.default_rng(3).integers(0, 256, size, np.uint8).tobytes()
    content[positions[first] - 8 : positions[first] - 8 + size] = bytes(size) if filling == "zeros" else noise
    path = tmp_path / "hole.mkv"
    path.write_bytes(content)
    packets, source = count_packets(path)
    assert packets < count_packets(clip)[0]
    assert source.damage.read_errors


def test_unwanted_stream_leaves_no_gap(clip: Path) -> None:
    with FileSource(clip, ReadOptions()) as source:
        assert sum(1 for _ in source) == 200
        assert source.damage.is_empty


def test_laced_blocks_leave_no_gap(media: Path) -> None:
    for name in ("big_buck_bunny_0_30.webm", "av1_video.mkv"):
        assert count_packets(media / name)[1].damage.is_empty


def test_file_of_unknown_length_is_read_to_its_end(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "live.mkv"
    with av.open(str(clip)) as original, av.open(str(path), "w", container_options={"live": "1"}) as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        for packet in original.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    packets, source = count_packets(path)
    assert packets == 200
    assert source.damage.is_empty
    assert source.video.time_base == Fraction(1, 1000)


@pytest.mark.parametrize("position", [2**62, 2**63 - 1, 2**63, 2**80])
def test_no_element_is_where_no_file_can_reach(tmp_path: Path, position: int) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(b"\x1a\x45\xdf\xa3\x80")
    with path.open("rb") as file:
        assert read_element(file, position) is None
