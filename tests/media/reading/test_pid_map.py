"""Transport streams whose PIDs change are read as one; others are read as they are."""

import os
from pathlib import Path

import pytest

from pipeline.media.reading.input_container import open_input
from pipeline.media.reading.pid_map import RemappedFile, is_plain_transport_stream
from tests.cases import streams, timing
from tests.cases.film import Film

_PACKET = 188


def recording(path: Path, pids: tuple[int, ...], frames: int = 10) -> Path:
    """Write parts with video and audio, the first stream of each under one of `pids`."""
    parts = []
    for place, pid in enumerate(pids):
        with Film(path, "mpegts", mpegts_start_pid=str(pid)) as out:
            numbers = range(place * frames, (place + 1) * frames)
            out.video(numbers, pts=numbers)
            out.audio(frames / 25, start=place * frames / 25, codec="mp2")
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))
    return path


def packets_of(path: Path) -> dict[int, int]:
    """Return the number of packets of each stream, by its PID."""
    counts: dict[int, int] = {}
    with open_input(path) as container:
        for packet in container.demux():
            if packet.size:
                counts[packet.stream.id] = counts.get(packet.stream.id, 0) + 1
                assert not packet.is_corrupt
    return counts


def test_streams_go_on_under_their_first_pids(tmp_path: Path) -> None:
    counts = packets_of(recording(tmp_path / "film.ts", (0x100, 0x200)))
    assert counts.keys() == {0x100, 0x101}
    assert counts[0x100] == 20


def test_programmes_beside_each_other_stay_apart(tmp_path: Path) -> None:
    streams.two_programs.make(tmp_path)
    assert len(packets_of(tmp_path / streams.two_programs.name)) == 4


def test_an_unchanged_recording_is_opened_by_ffmpeg_itself(tmp_path: Path) -> None:
    with open_input(recording(tmp_path / "film.ts", (0x100,))) as container:
        assert container.file is None


@pytest.fixture
def remapped(tmp_path: Path) -> RemappedFile:
    timing.changing_pids.make(tmp_path)
    return RemappedFile(tmp_path / timing.changing_pids.name, {0x200: 0x100})


def test_any_part_of_the_file_is_the_same_as_in_the_complete_file(remapped: RemappedFile) -> None:
    complete = remapped.read()
    assert len(complete) == remapped.seek(0, os.SEEK_END)
    for start, size in ((0, 1), (187, 2), (500, 5000), (len(complete) - 3, 10), (len(complete) + 5, 4)):
        remapped.seek(start)
        assert remapped.read(size) == complete[start : start + size]
    remapped.seek(-10, os.SEEK_END)
    buffer = bytearray(20)
    assert remapped.readinto(buffer) == 10
    assert remapped.tell() == len(complete)
    remapped.close()


def test_counters_continue_where_the_pid_changes(remapped: RemappedFile) -> None:
    complete = remapped.read()
    packets = [complete[at : at + _PACKET] for at in range(0, len(complete), _PACKET)]
    counters = [packet[3] & 15 for packet in packets if packet[1] & 31 == 1 and packet[2] == 0 and packet[3] & 16]
    assert counters == [number % 16 for number in range(len(counters))]
    assert not [packet for packet in packets if packet[1] & 31 == 2]
    remapped.close()


def test_other_files_are_no_plain_transport_streams(tmp_path: Path) -> None:
    (tmp_path / "short.ts").write_bytes(b"\x47" * _PACKET)
    (tmp_path / "text.ts").write_bytes(b"text " * 1000)
    assert not is_plain_transport_stream(tmp_path / "short.ts")
    assert not is_plain_transport_stream(tmp_path / "text.ts")
