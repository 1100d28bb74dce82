from pathlib import Path

import av
import pytest

from pipeline.media.reading.interlacing import Scan, read_scan
from pipeline.media.reading.probe import probe
from tests import clips, interlaced


def test_film_says_nothing_of_fields(clip: Path) -> None:
    assert probe(clip).video.scan == Scan(False, None)


@pytest.mark.parametrize(
    ("codec", "suffix", "options"),
    [
        ("ffv1", "mkv", {}),
        ("mpeg2video", "ts", {}),
        ("libx264", "mp4", {"x264-params": "interlaced=1"}),
    ],
)
@pytest.mark.parametrize("mark", ["tff", "bff"])
def test_the_order_of_fields_is_the_one_that_is_marked(
    tmp_path: Path, codec: str, suffix: str, options: dict[str, str], mark: str
) -> None:
    path = interlaced.write(tmp_path / f"video.{suffix}", interlaced.video(4, mark == "tff"), mark, codec, **options)
    assert probe(path).video.scan == Scan(True, mark == "tff")


@pytest.mark.parametrize(("letter", "scan"), [("p", Scan()), ("t", Scan(True, True)), ("b", Scan(True, False))])
def test_y4m_says_it_in_its_header(tmp_path: Path, letter: str, scan: Scan) -> None:
    path = tmp_path / "video.y4m"
    path.write_bytes(f"YUV4MPEG2 W16 H16 F25:1 I{letter} C420jpeg\n".encode() + b"FRAME\n" + bytes(16 * 16 * 3 // 2))
    assert probe(path).video.scan == scan


@pytest.mark.parametrize(("order", "top_first"), [(2, True), (4, True), (3, False), (5, False), (1, None), (0, None)])
def test_a_container_may_know_the_order_of_what_no_picture_marks(
    clip: Path, order: int, top_first: bool | None
) -> None:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.field_order = order
        assert read_scan(stream, None) == Scan(False, top_first)


def test_pictures_have_no_fields(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "one.png", 1, codec="png", pixel="rgb24", sound=False)
    assert probe(path).video.scan == Scan(False, None)
