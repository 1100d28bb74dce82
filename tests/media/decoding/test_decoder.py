"""Decoder yields all frames in display order, each with its timestamp and in the planned format."""

import contextlib
import gc
import itertools
from fractions import Fraction
from pathlib import Path

import av
import av.logging
import pytest

from pipeline.errors import InputError
from pipeline.frame import Frame
from pipeline.media.decoding.decoder import Decoder, decode_frames
from pipeline.media.reading.file_source import FileSource, ReadOptions
from pipeline.media.reading.probe import probe
from tests import clips
from tests.media.decoding.parallel_clips import make_with_two_descriptions


def decode(path: Path) -> list[Frame]:
    with FileSource(path) as source:
        return list(decode_frames(source, probe(path).video.format))


def test_b_frames_are_yielded_in_display_order(clip: Path) -> None:
    frames = decode(clip)
    assert [int(frame.planes[0][24, 32]) for frame in frames] == pytest.approx(
        [clips.shade(i) for i in range(12)], abs=2
    )
    assert [frame.pts for frame in frames] == [512 * i for i in range(12)]


def test_variable_rate_and_late_start_keep_their_timestamps(tmp_path: Path) -> None:
    times = [1000, 1512, 2600, 2700, 5000, 5001]
    path = clips.make(tmp_path / "vfr.mp4", pts=times, audio=False)
    assert [frame.pts for frame in decode(path)] == times


def test_raw_stream_gets_timestamps_from_its_rate(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "raw.h264", audio=False)
    frames = decode(path)
    with FileSource(path) as source:
        time_base = source.video.time_base
    assert time_base is not None
    steps = {(b.pts - a.pts) * time_base for a, b in itertools.pairwise(frames)}
    assert steps == {Fraction(1, 25)}


@pytest.mark.parametrize("pixel", ["yuv422p", "yuv444p10le", "gray", "yuvj420p"])
def test_planes_have_the_shapes_and_type_of_their_format(tmp_path: Path, pixel: str) -> None:
    path = clips.make(tmp_path / "clip.mkv", frames=3, pixel=pixel, audio=False)
    for frame in decode(path):
        assert tuple(plane.shape for plane in frame.planes) == frame.format.plane_shapes
        assert all(plane.dtype == frame.format.pixel.dtype for plane in frame.planes)


def test_change_of_colour_tags_is_noted(tmp_path: Path) -> None:
    parts = [clips.make(tmp_path / f"{matrix}.h264", 3, audio=False, matrix=matrix).read_bytes() for matrix in (1, 6)]
    (tmp_path / "both.h264").write_bytes(parts[0] + parts[1] * 2 + parts[0])
    with FileSource(tmp_path / "both.h264") as source:
        decoder = Decoder(source, probe(source.path).video.format)
        frames = [frame for packet in source for frame in decoder.feed(packet)] + list(decoder.finish())
    assert len(frames) == 12
    first, second = "bt709, limited range", "smpte170m, limited range"
    rest = "; all frames are interpreted by the tags of the first"
    assert decoder.changes.notes == [
        f"the source's colour tags change from {first} to {second} at frame 3{rest}",
        f"the source's colour tags change from {second} to {first} at frame 9{rest}",
    ]


def test_packets_of_other_streams_pass(clip: Path) -> None:
    with FileSource(clip, ReadOptions(frozenset({1}))) as source:
        decoder = Decoder(source, probe(clip).video.format)
        passed = [item for packet in source for item in decoder.feed(packet) if not isinstance(item, Frame)]
    assert len(passed) == len(clips.packets(clip, "audio"))


def test_frame_outlives_its_file(clip: Path) -> None:
    frame = decode(clip)[-1]
    assert int(frame.planes[0][0, 0]) == pytest.approx(clips.shade(11), abs=2)


def test_closing_a_damaged_source_does_not_hang_while_ffmpeg_logs(tmp_path: Path) -> None:
    """PyAV's log callback needs the GIL, which freeing a decoder holds while it waits for the decoder's threads."""
    path = clips.make(tmp_path / "clip.mkv", frames=60, size=(320, 240), audio=False)
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 4, len(content) - 200, 97):
        content[at] ^= 0x55
    path.write_bytes(content)
    av.logging.set_level(av.logging.PANIC)
    try:
        for stop_after in range(1, 40, 3):
            with FileSource(path) as source, contextlib.suppress(InputError):
                decoder = Decoder(source, probe(path).video.format)
                for _ in zip(range(stop_after), (f for p in source for f in decoder.feed(p)), strict=False):
                    pass
            del source, decoder
            gc.collect()
    finally:
        av.logging.set_level(None)


def test_restart_knows_the_sample_description_in_force(tmp_path: Path) -> None:
    """The packet that has the parameters of the second description is dropped long before the damage."""
    path = make_with_two_descriptions(tmp_path, 400)
    with av.open(str(path)) as container:
        damaged = [packet for packet in container.demux(video=0) if packet.size][704]
    assert damaged.pos is not None
    content = bytearray(path.read_bytes())
    content[damaged.pos : damaged.pos + damaged.size] = b"\xff" * damaged.size
    path.write_bytes(content)
    shades = [int(frame.planes[0][24, 32]) for frame in decode(path)]
    assert len(shades) in (799, 800)
    assert shades[:690] == pytest.approx([clips.shade(index % 400) for index in range(690)], abs=2)
    assert shades[-80:] == pytest.approx([clips.shade(index) for index in range(320, 400)], abs=2)
