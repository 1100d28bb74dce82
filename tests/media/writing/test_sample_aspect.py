"""The shape of samples, written into Matroska files that are finished."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.media.encoding.encoder import VideoEncoding
from pipeline.media.reading.matroska import BlockChecker
from pipeline.media.reading.probe import probe
from pipeline.media.writing.sample_aspect import ROOM, shown_size, tell_aspect, untold_aspect
from tests import clips

OBLONG = Fraction(16, 11)


def _film(path: Path, room: dict[str, str], tags: int = 0, chapters: int = 0) -> Path:
    """A film with sound, whose codec can't say what shape its samples are."""
    source = clips.make(path.with_name("source.mkv"), frames=30, codec="ffv1", options={"g": "1"})
    with av.open(str(source)) as original, av.open(str(path), "w", container_options=room) as container:
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
def test_the_container_says_it_where_the_codec_can_not(tmp_path: Path, name: str) -> None:
    path = _film(tmp_path / name, ROOM) if name == "film.mkv" else _webm(tmp_path / name)
    before, size = _contents(path), path.stat().st_size
    assert tell_aspect(path, OBLONG)
    assert probe(path).video.sample_aspect == OBLONG
    assert (_contents(path), path.stat().st_size) == (before, size)


def _webm(path: Path) -> Path:
    with av.open(str(path), "w", container_options=ROOM) as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(3):
            container.mux(stream.encode(clips._picture(index, (64, 48), "yuv420p", index)))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("tags", [0, 1, 3, 1200])  # around positions of another length
def test_everything_behind_it_is_found_again(tmp_path: Path, tags: int) -> None:
    path = _film(tmp_path / "film.mkv", ROOM, tags, chapters=3)
    before = _contents(path)
    assert tell_aspect(path, OBLONG)
    assert _contents(path) == before
    assert before[:2] == ({f"TAG{number}": "x" * 50 for number in range(tags)}, 3)
    with av.open(str(path)) as container:  # by its cues
        container.seek(1_000_000)
        assert next(container.decode(video=0)).pts > 0
    blocks = BlockChecker(path)
    with av.open(str(path)) as container:
        assert not any(blocks.broken_before(packet) for packet in container.demux() if packet.size)
    assert not blocks.broken_at_end()
    blocks.close()


def test_it_may_be_told_twice(tmp_path: Path) -> None:
    path = _film(tmp_path / "film.mkv", ROOM)
    assert tell_aspect(path, Fraction(2))
    assert tell_aspect(path, OBLONG)
    assert probe(path).video.sample_aspect == OBLONG


def test_without_room_the_file_stays_as_it_is(tmp_path: Path) -> None:
    path = _film(tmp_path / "film.mkv", {})
    before = path.read_bytes()
    assert not tell_aspect(path, OBLONG)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("codec", "name", "told"),
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
def test_what_can_not_say_it_is_noted(codec: str, name: str, told: bool) -> None:
    format = FrameFormat(64, 48, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    encoding = VideoEncoding(codec, format, Fraction(25), Fraction(1, 25), sample_aspect=OBLONG)
    note = untold_aspect(encoding, Path(name))
    assert (note is None) == told
    assert note is None or f"{codec} in {Path(name).suffix} can't say that samples are 16/11 as wide as high" in note


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [
        ((1440, 1080), Fraction(4, 3), (1920, 1080)),
        ((720, 576), Fraction(64, 45), (1024, 576)),
        ((1440, 960), Fraction(8, 9), (1280, 960)),
        ((716, 574), Fraction(64, 45), (1018, 574)),
    ],
)
def test_the_size_that_is_shown(size: tuple[int, int], aspect: Fraction, shown: tuple[int, int]) -> None:
    assert shown_size(*size, aspect) == shown


@given(st.integers(1, 9000), st.integers(1, 9000), st.fractions(Fraction(1, 20), Fraction(20), max_denominator=255))
def test_the_size_that_is_shown_is_right_to_half_a_pixel(width: int, height: int, aspect: Fraction) -> None:
    across, down = shown_size(width, height, aspect)
    assert abs(Fraction(across, down) * height - width * aspect) <= Fraction(1, 2)
