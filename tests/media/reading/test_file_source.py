"""FileSource reads all packets that can be read, with increasing timestamps, and counts faults."""

import contextlib
import itertools
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import pytest

from pipeline.errors import InputError
from pipeline.media.reading import file_source
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.probe import probe
from pipeline.media.reading.source import Packet
from tests import clips
from tests.cases.film import film


def count_packets(path: Path, other_streams: frozenset[int] = frozenset()) -> tuple[int, FileSource]:
    with FileSource(path, ReadOptions(other_streams)) as source:
        return sum(1 for _ in source), source


def seconds(packet: Packet) -> Fraction:
    assert packet.pts is not None
    assert packet.time_base is not None
    return packet.pts * packet.time_base


@pytest.fixture
def two_videos(tmp_path: Path) -> Path:
    path = tmp_path / "two.mkv"
    parts = [clips.make(tmp_path / f"{n}.mkv", 5 + n, audio=False) for n in range(2)]
    with av.open(str(parts[0])) as a, av.open(str(parts[1])) as b, av.open(str(path), "w") as container:
        for original, stream in [(c, container.add_stream_from_template(c.streams.video[0])) for c in (a, b)]:
            for packet in original.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    container.mux(packet)
    return path


@pytest.mark.parametrize(("wanted", "count"), [(None, 5), (0, 5), (1, 6)])
def test_requested_video_stream_is_read(two_videos: Path, wanted: int | None, count: int) -> None:
    assert probe(two_videos, wanted).video.index == (wanted or 0)
    with FileSource(two_videos, ReadOptions(video_index=wanted)) as source:
        assert sum(1 for _ in source) == count


def test_error_on_a_missing_video_stream_lists_the_existing_ones(two_videos: Path) -> None:
    with pytest.raises(InputError, match=r"`video_stream` 5 is not one of its video streams: 0, 1"):
        FileSource(two_videos, ReadOptions(video_index=5))


def test_reading_continues_after_a_failed_read_which_is_counted(clip: Path) -> None:
    with FileSource(clip) as source:
        real = source.container
        packets_before_failure = iter([2, 3, None])

        class Failing:
            """Raises an error after some packets, twice."""

            format, streams = real.format, real.streams

            def demux(self, streams: object) -> Iterator[Packet]:
                last = next(packets_before_failure)
                for count, packet in enumerate(real.demux()):
                    yield packet
                    if last is not None and count == last:
                        raise av.error.InvalidDataError(1, "no")

        source.container = Failing()  # type: ignore[assignment]  # a stand-in for PyAV's container
        assert sum(1 for _ in source) == 12
        assert source.damage.read_errors == 2
        source.container = real


def test_reading_ends_after_many_consecutive_failures(clip: Path) -> None:
    with FileSource(clip) as source:
        real = source.container

        class Broken:
            """Raises an error at the first packet."""

            format, streams = real.format, real.streams

            def demux(self, streams: object) -> Iterator[Packet]:
                raise av.error.InvalidDataError(1, "no")
                yield

        source.container = Broken()  # type: ignore[assignment]  # a stand-in for PyAV's container
        assert list(source) == []
        assert source.damage.read_errors == 1
        source.container = real


def test_stopped_source_yields_no_more_packets(clip: Path) -> None:
    with FileSource(clip) as source:
        for count, _ in enumerate(source):
            if count == 3:
                source.stop()
        assert count == 3


def test_rewound_source_has_a_new_decoder_of_the_same_video(clip: Path) -> None:
    with FileSource(clip) as source:
        rewound = source.rewind()
        assert rewound is not None
        assert rewound is not source.video
        assert rewound.codec_context.extradata == source.video.codec_context.extradata


def test_frames_that_an_edit_list_hides_are_not_missing(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "clip.mp4", 48, options={"g": "12", "bf": "0"}, audio=False)
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 4  # ISO 14496-12, 8.6.6: version and flags, how many, then length and media time
    version, _, duration, start = struct.unpack_from(">IIIi", content, at)
    assert version == 0
    struct.pack_into(">Ii", content, at + 8, duration // 2, start + 12 * 512)
    path.write_bytes(content)
    count, source = count_packets(path)
    assert count < 48
    assert source.missing_frames(count, 0) == 0


def test_declared_frames_behind_a_truncation_are_missing(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "clip.mp4", 48, audio=False, index_in_front=True)
    path.write_bytes(path.read_bytes()[:-300])
    count, source = count_packets(path)
    assert source.damage.truncation == "at least 300 bytes are missing at its end"
    assert source.missing_frames(count, 0) == 48 - count > 0


@pytest.mark.parametrize("hours", [1, -1])
def test_clock_jump_is_repaired_in_all_streams(tmp_path: Path, hours: int) -> None:
    parts = []
    for number, offset in enumerate([36_000, 36_000 + 3600 * hours]):
        pts = [(offset * 25 + 12 * number + i) * 512 for i in range(12)]
        parts.append(clips.make(tmp_path / f"{number}.ts", 12, pts=pts).read_bytes())
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(parts))
    with FileSource(path, ReadOptions(frozenset({1}))) as source:
        times = sorted(seconds(packet) for packet in source if packet.stream_index == 0)
    assert len(times) == 24
    assert {b - a for a, b in itertools.pairwise(times)} <= {Fraction(1, 25), Fraction(2, 25)}
    assert [round(jump / 3600) for jump in source.clock_jumps] == [hours]


def test_packets_of_streams_that_begin_in_mid_file_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film(tmp_path / "film.ts", range(5), "mpegts")
    failures = [IndexError("list index out of range")] * 3

    @contextlib.contextmanager
    def failing_demux(container: Any, *streams: Any) -> Iterator[Iterator[Any]]:
        def packets() -> Iterator[Any]:
            if failures:
                raise failures.pop()
            yield from container.demux(*streams)

        yield packets()

    monkeypatch.setattr(file_source, "demux", failing_demux)
    with FileSource(tmp_path / "film.ts", ReadOptions(other_streams=frozenset({1}))) as source:
        assert len(list(source)) == 5
    assert source.damage.unlisted_packets == 3
