"""The sample aspect ratio, written into finished Matroska files."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.matroska import BlockChecker
from pipeline.media.reading.probe import probe
from pipeline.media.writing.sample_aspect import (
    complete_file,
    display_size,
    padding_options,
    unsupported_sample_aspect,
    write_sample_aspect,
)
from tests import clips

OBLONG = Fraction(16, 11)


def _encoding(codec: str, aspect: Fraction = OBLONG) -> VideoEncoding:
    format = FrameFormat(64, 48, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    return VideoEncoding(codec, format, Fraction(25), Fraction(1, 25), sample_aspect=aspect)


PADDED = padding_options(Path("a.mkv"), _encoding("ffv1"))


def _film(path: Path, options: dict[str, str], tags: int = 0, chapters: int = 0) -> Path:
    """A video with audio, whose codec does not carry a sample aspect ratio."""
    source = clips.make(path.with_name("source.mkv"), frames=30, codec="ffv1", options={"g": "1"})
    with av.open(str(source)) as original, av.open(str(path), "w", container_options=options) as container:
        copies = [container.add_stream_from_template(stream, opaque=True) for stream in original.streams]
        container.metadata.update({f"TAG{number}": "x" * 50 for number in range(tags)})
        every = Fraction(1, 1000)
        container.set_chapters(
            [
                {"id": n, "start": n, "end": n + 1, "time_base": every, "metadata": {"title": "c" * 40}}
                for n in range(chapters)
            ]
        )
        for packet in original.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                container.mux(packet)
    return path


def _contents(path: Path) -> tuple[object, ...]:
    with av.open(str(path)) as container:
        metadata = {key: value for key, value in container.metadata.items() if key.startswith("TAG")}
        return metadata, len(container.chapters()), [bytes(packet) for packet in container.demux() if packet.size]


@pytest.mark.parametrize("name", ["film.mkv", "film.webm"])
def test_matroska_files_carry_the_ratio_where_the_codec_does_not(tmp_path: Path, name: str) -> None:
    path = _film(tmp_path / name, PADDED) if name == "film.mkv" else _webm(tmp_path / name)
    before, size = _contents(path), path.stat().st_size
    assert write_sample_aspect(path, OBLONG)
    assert probe(path).video.sample_aspect == OBLONG
    assert (_contents(path), path.stat().st_size) == (before, size)


def _webm(path: Path) -> Path:
    with av.open(str(path), "w", container_options=PADDED) as container:
        stream = container.add_stream("libvpx", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((72, 64), index, np.uint8), "yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("tags", [0, 1, 3, 1200])  # positions that take different numbers of bytes
def test_elements_behind_the_ratio_are_still_found(tmp_path: Path, tags: int) -> None:
    path = _film(tmp_path / "film.mkv", PADDED, tags, chapters=3)
    before = _contents(path)
    assert write_sample_aspect(path, OBLONG)
    assert _contents(path) == before
    assert before[:2] == ({f"TAG{number}": "x" * 50 for number in range(tags)}, 3)
    with av.open(str(path)) as container:  # by its cues
        container.seek(1_000_000)
        assert (next(container.decode(video=0)).pts or 0) > 0
    with BlockChecker(path) as blocks, av.open(str(path)) as container:
        assert not any(blocks.is_broken_before(packet) for packet in container.demux() if packet.size)
        assert not blocks.is_broken_at_end()


def test_a_second_ratio_replaces_the_first(tmp_path: Path) -> None:
    path = _film(tmp_path / "film.mkv", PADDED)
    assert write_sample_aspect(path, Fraction(2))
    assert write_sample_aspect(path, OBLONG)
    assert probe(path).video.sample_aspect == OBLONG


def test_a_file_without_padding_stays_unchanged(tmp_path: Path) -> None:
    path = _film(tmp_path / "film.mkv", {})
    before = path.read_bytes()
    assert not write_sample_aspect(path, OBLONG)
    assert path.read_bytes() == before
    assert complete_file(path, path, _encoding("ffv1")) == [
        "sample aspect ratio 16/11 dropped: the header has no space for it; some players show square samples"
    ]


@pytest.mark.parametrize(("name", "aspect"), [("a.mp4", OBLONG), ("a.mkv", Fraction(1))])
def test_files_that_need_no_ratio_are_not_touched(tmp_path: Path, name: str, aspect: Fraction) -> None:
    encoding = _encoding("ffv1", aspect)
    assert padding_options(Path(name), encoding) == {}
    assert complete_file(tmp_path / "missing", Path(name), encoding) == []


@pytest.mark.parametrize(
    ("codec", "name", "supported"),
    [
        ("libx264", "a.ts", True),
        ("libsvtav1", "a.mkv", True),
        ("ffv1", "a.mp4", True),
        ("png", "a.png", True),
        ("wrapped_avframe", "-", True),
        ("ffv1", "a.nut", False),
        ("libwebp", "a.webp", False),
    ],
)
def test_a_ratio_that_neither_codec_nor_container_supports_is_noted(codec: str, name: str, supported: bool) -> None:
    note = unsupported_sample_aspect(_encoding(codec), Path(name))
    assert (note is None) == supported
    dropped = f"sample aspect ratio 16/11 dropped: {codec} in {Path(name).suffix} does not support it"
    assert note is None or note.startswith(dropped)


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [
        ((1440, 1080), Fraction(4, 3), (1920, 1080)),
        ((720, 576), Fraction(64, 45), (1024, 576)),
        ((1440, 960), Fraction(8, 9), (1280, 960)),
        ((716, 574), Fraction(64, 45), (1018, 574)),
    ],
)
def test_the_display_size_is_exact_where_a_near_size_is(
    size: tuple[int, int], aspect: Fraction, shown: tuple[int, int]
) -> None:
    assert display_size(*size, aspect) == shown


@given(st.integers(1, 9000), st.integers(1, 9000), st.fractions(Fraction(1, 20), Fraction(20), max_denominator=255))
def test_the_display_size_is_right_to_half_a_pixel(width: int, height: int, aspect: Fraction) -> None:
    across, down = display_size(width, height, aspect)
    assert abs(Fraction(across, down) * height - width * aspect) <= Fraction(1, 2)
