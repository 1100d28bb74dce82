"""A stream in consecutive files."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.live.output.segments import (
    Segmentation,
    SegmentedMuxer,
    SegmentsRequest,
    finished_segments,
    parse_segment_limit,
)
from pipeline.live.process.messages import SerializedPacket, StreamHeader
from pipeline.media.writing.container_support import container_for
from tests import live_packets

NAME = re.compile(r"cam-\d{8}T\d{6}\.\d{3}Z\.\w+")


def segmented_muxer(
    path: Path, streams: StreamHeader, seconds: float | None = 1, size: int | None = None, keep: int | None = None
) -> SegmentedMuxer:
    spec = container_for(path)
    options = dict(spec.live_options or {})
    return SegmentedMuxer(SegmentsRequest("", spec.muxer, options, streams, Segmentation(path, seconds, size, keep)))


def write(muxer: SegmentedMuxer, items: list[SerializedPacket]) -> None:
    for packet in items:
        muxer.mux(packet)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".ts"])
def test_files_begin_at_key_frames_and_no_frame_is_lost(tmp_path: Path, suffix: str) -> None:
    streams, items = live_packets.coded(60, gop=10, start=900_000, audio_codec="aac")
    muxer = segmented_muxer(tmp_path / f"cam{suffix}", streams)
    write(muxer, items)
    muxer.close()
    files = finished_segments(tmp_path / f"cam{suffix}")
    assert [live_packets.frame_count(file) for file in files] == [30, 30]
    assert sorted(file.name for file in files) == sorted(os.listdir(tmp_path))
    assert all(NAME.fullmatch(file.name) for file in files)
    for file in files:
        times = [float(time) for time in live_packets.times(file)]
        assert times == pytest.approx([index / 25 for index in range(30)])
        assert len(live_packets.times(file, "audio")) > 50


def test_a_file_ends_at_its_size_limit(tmp_path: Path) -> None:
    streams, items = live_packets.coded(40, gop=10, padding=1000)
    muxer = segmented_muxer(tmp_path / "cam.mkv", streams, seconds=None, size=15_000)
    write(muxer, items)
    muxer.close()
    assert [live_packets.frame_count(file) for file in finished_segments(tmp_path / "cam.mkv")] == [20, 20]


def test_only_the_newest_files_of_the_stream_are_kept(tmp_path: Path) -> None:
    (tmp_path / "cam-20200101T000000.000Z.mkv").touch()
    (tmp_path / "cam-20200101T000000.000Z.part.mkv").touch()  # of a process that crashed
    (tmp_path / "cam-old.mkv").touch()
    streams, items = live_packets.coded(50, gop=10)
    muxer = segmented_muxer(tmp_path / "cam.mkv", streams, seconds=0.4, keep=2)
    write(muxer, items)
    muxer.close()
    left = finished_segments(tmp_path / "cam.mkv")
    assert len(left) == 2
    assert "cam-20200101T000000.000Z.mkv" not in [file.name for file in left]
    assert sorted(os.listdir(tmp_path)) == sorted([*(file.name for file in left), "cam-old.mkv"])


def test_files_begun_in_quick_succession_sort_by_name(tmp_path: Path) -> None:
    streams, items = live_packets.coded(1)
    for length in (1, 2, 3):
        muxer = segmented_muxer(tmp_path / "cam.mkv", streams)
        write(muxer, items * length)
        muxer.close()
        (tmp_path / f"{length}").symlink_to(finished_segments(tmp_path / "cam.mkv")[-1])
    order = [(tmp_path / f"{length}").resolve() for length in (1, 2, 3)]
    assert order == sorted(tmp_path.glob("*.mkv"))


def test_a_missing_folder_is_detected_at_the_next_key_frame(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    streams, items = live_packets.coded(20, gop=10)
    muxer = segmented_muxer(folder / "cam.mkv", streams, seconds=60)
    write(muxer, items[:10])
    folder.rename(tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        write(muxer, items[10:])


def test_unsupported_audio_is_dropped_with_a_note(tmp_path: Path) -> None:
    streams, items = live_packets.coded(20, audio_codec="pcm_mulaw")
    muxer = segmented_muxer(tmp_path / "cam.ts", streams)
    assert muxer.notes == ["pcm_mulaw audio is dropped: mpegts does not support it"]
    write(muxer, items)
    muxer.close()
    assert live_packets.frame_count(finished_segments(tmp_path / "cam.ts")[0]) == 20


def test_a_packet_whose_timestamp_goes_back_is_skipped(tmp_path: Path) -> None:
    streams, items = live_packets.coded(3, gop=10)
    muxer = segmented_muxer(tmp_path / "cam.mkv", streams)
    kept = [muxer.mux(item) for item in (*items, replace(items[1], is_keyframe=False))]
    muxer.close()
    assert kept == [True, True, True, False]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("10min", (600, None)),
        ("1.5 h", (5400, None)),
        ("90", (90, None)),
        ("500MB", (None, 500_000_000)),
        ("2GiB", (None, 2**31)),
    ],
)
def test_a_limit_is_a_time_or_a_size(text: str, limit: tuple[float | None, int | None]) -> None:
    assert parse_segment_limit(text) == limit


@pytest.mark.parametrize("text", ["", "0", "ten", "-5s", "10 parsecs"])
def test_an_invalid_limit_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="10min"):
        parse_segment_limit(text)
