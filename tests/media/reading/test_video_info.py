"""The description of a video follows from its headers, its tags and its first frame."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from pipeline.errors import InputError
from pipeline.media.reading.input_container import open_input
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.probe import probe
from pipeline.media.reading.video_info import read_video_info
from tests import clips


def describe(path: Path, duration: float | None = None) -> VideoInfo:
    with open_input(path) as container:
        return read_video_info(path, container, container.streams.video[0], duration)


def test_frames_are_estimated_from_the_duration_without_a_count(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "clip.mkv", 12, audio=False)
    assert describe(path, duration=2.0).frames == 50
    assert describe(path).frames is None


def test_frames_of_a_matroska_file_that_starts_late_are_counted_from_its_start(tmp_path: Path) -> None:
    path = clips.make(
        tmp_path / "clip.mkv", 50, pts=[40 * (50 + index) for index in range(50)], time_base=Fraction(1, 1000)
    )
    assert probe(path).video.frames == pytest.approx(50, abs=2)


def test_colour_tags_and_size_decide_the_format(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "clip.mkv", 2, pixel="yuv422p10le", matrix=9, audio=False)
    video = describe(path)
    assert (str(video.format), video.format.colour.matrix, video.tagged) == ("64x48 yuv422p10le", 9, True)


def test_first_frame_is_found_behind_undecodable_packets(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "clip.mkv", 30, options={"g": "10", "bf": "0"}, audio=False)
    with av.open(str(path)) as container:
        first = next(container.demux(video=0))
    assert first.pos is not None
    content = bytearray(path.read_bytes())
    content[first.pos + 8 : first.pos + first.size] = bytes(first.size - 8)
    path.write_bytes(content)
    assert describe(path).format.width == 64


def test_start_before_zero_is_extrapolated_from_the_first_timestamp(tmp_path: Path) -> None:
    path = tmp_path / "early.mkv"
    clip = clips.make(tmp_path / "clip.mkv", 20, options={"bf": "0"}, audio=False)
    options = {"avoid_negative_ts": "disabled"}
    with av.open(str(clip)) as source, av.open(str(path), "w", container_options=options) as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                assert packet.pts is not None
                assert packet.dts is not None
                packet.pts, packet.dts = packet.pts - 200, packet.dts - 200
                packet.stream = stream
                container.mux(packet)
    assert describe(path).start_time == Fraction(-1, 5)


def test_video_without_a_frame_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.y4m"
    path.write_bytes(b"YUV4MPEG2 W0 H0 F25:1\n")
    with pytest.raises(InputError):
        describe(path)
