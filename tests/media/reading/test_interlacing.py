"""The scan type is read from the marks of a stream, its container and its first frame."""

from pathlib import Path

import av
import pytest

from pipeline.media.reading.interlacing import Scan, read_scan
from pipeline.media.reading.probe import probe
from tests import clips, interlaced


def test_progressive_clip_declares_no_field_order(clip: Path) -> None:
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
def test_field_order_is_read_from_the_first_frame(
    tmp_path: Path, codec: str, suffix: str, options: dict[str, str], mark: str
) -> None:
    path = interlaced.write(
        tmp_path / f"video.{suffix}",
        interlaced.video(4, mark == "tff"),
        mark,
        codec,
        "yuv420p",
        interlaced.RATE,
        **options,
    )
    assert probe(path).video.scan == Scan(True, mark == "tff")


@pytest.mark.parametrize(("letter", "scan"), [("p", Scan()), ("t", Scan(True, True)), ("b", Scan(True, False))])
def test_field_order_of_y4m_is_read_from_its_header(tmp_path: Path, letter: str, scan: Scan) -> None:
    path = tmp_path / "video.y4m"
    path.write_bytes(f"YUV4MPEG2 W16 H16 F25:1 I{letter} C420jpeg\n".encode() + b"FRAME\n" + bytes(16 * 16 * 3 // 2))
    assert probe(path).video.scan == scan


@pytest.mark.parametrize(("order", "top_first"), [(2, True), (4, True), (3, False), (5, False), (1, None), (0, None)])
def test_field_order_of_the_container_is_kept_without_marked_frames(
    clip: Path, order: int, top_first: bool | None
) -> None:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.field_order = order
        assert read_scan(stream, None) == Scan(False, top_first)


def test_images_are_progressive(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "one.png", 1, codec="png", pixel="rgb24", audio=False)
    assert probe(path).video.scan == Scan(False, None)
