"""Where the chain of blocks of a Matroska file is broken."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.media.reading.file_source import FileSource, ReadOptions
from tests import clips


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds in clusters of one, with sound."""
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


def places(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [packet.pos for packet in container.demux(video=0) if packet.size]


def read(path: Path) -> tuple[int, FileSource]:
    with FileSource(path) as source:
        return sum(1 for _ in source), source


@pytest.mark.parametrize("index_in_front", [False, True])
def test_a_whole_file_has_no_broken_place(clip: Path, index_in_front: bool, tmp_path: Path) -> None:
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
    assert read(path)[1].damage.is_empty


@pytest.mark.parametrize("filling", ["zeros", "noise"])
@pytest.mark.parametrize(("first", "last"), [(60, 70), (180, 199)], ids=["in the middle", "at the end"])
def test_a_hole_is_found(clip: Path, tmp_path: Path, filling: str, first: int, last: int) -> None:
    at = places(clip)
    content = bytearray(clip.read_bytes())
    size = at[last] - at[first]
    noise = np.random.default_rng(3).integers(0, 256, size, np.uint8).tobytes()
    content[at[first] - 8 : at[first] - 8 + size] = bytes(size) if filling == "zeros" else noise
    path = tmp_path / "hole.mkv"
    path.write_bytes(content)
    packets, source = read(path)
    assert packets < read(clip)[0]
    assert source.damage.read_errors


def test_a_stream_that_is_not_wanted_leaves_no_hole(clip: Path) -> None:
    with FileSource(clip, ReadOptions()) as source:
        assert sum(1 for _ in source) == 200
        assert source.damage.is_empty


def test_laced_blocks_leave_no_hole(media: Path) -> None:
    for name in ("big_buck_bunny_0_30.webm", "av1_video.mkv"):
        assert read(media / name)[1].damage.is_empty


def test_live_files_of_unknown_length_are_read_to_their_end(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "live.mkv"
    with av.open(str(clip)) as original, av.open(str(path), "w", container_options={"live": "1"}) as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        for packet in original.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    packets, source = read(path)
    assert packets == 200
    assert source.damage.is_empty
    assert source.video.time_base == Fraction(1, 1000)
