"""Images as output: their content, their names, and what happens to existing files."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.colour.convert import from_rgb
from pipeline.errors import OutputError
from pipeline.frame import PIXEL_FORMATS as PIXELS
from pipeline.frame import Colour, Frame, FrameFormat
from pipeline.media.encoding.image_codecs import image_encoder_for, image_format
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.image_sequence import ImageSequence
from pipeline.media.reading.probe import probe
from pipeline.media.writing.image_sink import ImageSink
from tests import images

TICK = Fraction(1, 25)


def _sink(path: Path, source: ImageSequence | None = None, deep: bool = False, others: int = 0) -> ImageSink:
    codec = image_encoder_for(path)
    assert codec
    assert codec.image
    wanted = FrameFormat(32, 24, PIXELS["yuv420p10le" if deep else "yuv420p"], Colour(1, False))
    format, options = image_format(codec.image, wanted), dict(codec.image.options)
    encoding = VideoEncoding(codec.name, format, 1 / TICK, TICK, Fraction(64, 45), options, codec.image.pix_fmt)
    return ImageSink(path, encoding, source, others)


def _write(sink: ImageSink, times: list[int], deep: bool = False) -> int:
    """Writes a frame for each of `times`, and returns how many of the frames were released."""
    encoder = sink.encoder(TICK)
    released: list[int] = []
    for pts in times:
        format = sink.encoding.format
        planes = format.split(np.empty(format.bytes, np.uint8))
        from_rgb(
            np.moveaxis(images.samples(pts, deep=deep), 2, 0).astype(float), format, planes, 65535 if deep else 255
        )
        frame = Frame(format, planes, pts, 1, lambda: released.append(1))
        for packet in encoder.feed(frame):
            list(sink.feed(packet))
    for packet in encoder.finish():
        list(sink.feed(packet))
    return len(released)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".webp"])
def test_8_bit_samples_are_unchanged(tmp_path: Path, suffix: str) -> None:
    with _sink(tmp_path / f"%03d{suffix}") as sink:
        assert _write(sink, list(range(9))) == 9
        sink.commit(overwrite=False)
    for number in range(9):
        assert np.array_equal(images.read(tmp_path / f"{number + 1:03}{suffix}"), images.samples(number))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_deeper_samples_are_unchanged_in_16_bit(tmp_path: Path, suffix: str) -> None:
    with _sink(tmp_path / f"a{suffix}", deep=True) as sink:
        _write(sink, [5], deep=True)
        sink.commit(overwrite=False)
    assert np.array_equal(images.read(tmp_path / f"a{suffix}"), images.samples(5, deep=True))


def test_jpeg_is_close_and_has_a_jfif_header(tmp_path: Path) -> None:
    with _sink(tmp_path / "a.jpg") as sink:
        _write(sink, [5])
        sink.commit(overwrite=False)
    assert (tmp_path / "a.jpg").read_bytes()[6:10] == b"JFIF"
    flat = slice(8, None)  # 8x8 blocks without the corner
    difference = images.read(tmp_path / "a.jpg")[flat, flat].astype(int) - images.samples(5)[flat, flat]
    assert abs(difference).max() <= 1


@pytest.mark.parametrize(
    ("file", "source", "kept"),
    [
        ("a.png", "gray", "gray"),
        ("a.png", "gray12le", "gray16le"),
        ("a.png", "yuv422p10le", "gbrp16le"),
        ("a.png", "yuva444p10le", "gbrap16le"),
        ("a.tif", "gbrap", "gbrap"),
        ("a.webp", "yuva420p", "gbrap"),
        ("a.webp", "gray16le", "gbrp"),
        ("a.bmp", "gbrap16le", "gbrp"),
        ("a.jpg", "gbrap", "yuv444p"),
    ],
)
def test_images_keep_as_much_of_the_format_as_they_support(file: str, source: str, kept: str) -> None:
    codec = image_encoder_for(Path(file))
    assert codec
    assert codec.image
    format = image_format(codec.image, FrameFormat(8, 8, PIXELS[source], Colour(1, False)))
    assert (format.pixel.name, format.colour.full_range) == (kept, True)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_images_store_the_sample_aspect_ratio(tmp_path: Path, suffix: str) -> None:
    with _sink(tmp_path / f"a{suffix}") as sink:
        _write(sink, [5])
        sink.commit(overwrite=False)
    assert probe(tmp_path / f"a{suffix}").video.sample_aspect == Fraction(64, 45)


def test_png_stores_colour_tags(tmp_path: Path) -> None:
    codec = image_encoder_for(Path("a.png"))
    assert codec
    assert codec.image
    for colour, chunk in ((Colour(1, True, 1, 13), b"sRGB"), (Colour(9, True, 9, 16), b"cICP\x09\x10\x00\x01")):
        format = image_format(codec.image, FrameFormat(32, 24, PIXELS["gbrp16le"], colour))
        with ImageSink(tmp_path / "a.png", VideoEncoding("png", format, 1 / TICK, TICK)) as sink:
            _write(sink, [5], deep=True)
            sink.commit(overwrite=True)
        assert chunk in (tmp_path / "a.png").read_bytes()
        assert probe(tmp_path / "a.png").video.format == format


def test_images_have_the_numbers_of_the_source(tmp_path: Path) -> None:
    source = ImageSequence.find(images.sequence(tmp_path / "in", [10, 20, 40]))
    with _sink(tmp_path / "%04d.png", source) as sink:
        _write(sink, [0, 1, 3])
        assert sink.commit(overwrite=False) == tmp_path / "%04d.png"
        assert sink.remarks == []
    assert sorted(file.name for file in tmp_path.glob("*.png")) == ["0010.png", "0020.png", "0040.png"]


def test_a_video_counts_from_one_and_uneven_times_are_reported(tmp_path: Path) -> None:
    with _sink(tmp_path / "%d.png", others=2) as sink:
        _write(sink, [7, 8, 11])
        sink.commit(overwrite=False)
        (line,) = sink.remarks
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1.png", "2.png", "3.png"]
    assert line.startswith("the frames are not evenly spaced (they deviate by up to 0.08 s)")
    assert sink.dropped == ["other streams dropped (2): images have no audio or subtitles"]


def test_images_get_their_names_on_commit_and_a_failure_leaves_none(tmp_path: Path) -> None:
    with _sink(tmp_path / "%d.png") as sink:
        _write(sink, [0, 1])
        assert not list(tmp_path.glob("*.png"))
    assert list(tmp_path.iterdir()) == []


def test_partial_images_are_kept_in_a_folder_marked_as_partial(tmp_path: Path) -> None:
    (tmp_path / "shot.partial").mkdir()
    with _sink(tmp_path / "shot_%03d.png") as sink:
        _write(sink, [0, 1])
        kept = sink.keep_partial()
    assert kept == tmp_path / "shot.partial2" / "shot_%03d.png"
    assert ImageSequence.find(kept).numbers == (1, 2)


def test_an_image_that_appeared_during_the_job_is_not_replaced(tmp_path: Path) -> None:
    with _sink(tmp_path / "%d.png") as sink:
        _write(sink, [0, 1])
        (tmp_path / "2.png").write_text("mine")
        with pytest.raises(OutputError, match=r"2\.png appeared during the job; .* kept as .*images\.partial/%d"):
            sink.commit(overwrite=False)
    assert (tmp_path / "2.png").read_text() == "mine"
    assert not (tmp_path / "1.png").exists()


def test_overwriting_replaces_images_of_the_same_name_and_reports_others(tmp_path: Path) -> None:
    for number in (1, 2, 3, 4):
        (tmp_path / f"{number}.png").write_text("old")
    with _sink(tmp_path / "%d.png") as sink:
        _write(sink, [0, 1])
        sink.commit(overwrite=True)
    assert np.array_equal(images.read(tmp_path / "2.png"), images.samples(1))
    assert (tmp_path / "4.png").read_text() == "old"
    assert sink.remarks == [f"{tmp_path}/%d.png: older images that match the pattern are kept: 2"]


def test_a_single_image_stores_one_frame(tmp_path: Path) -> None:
    with (
        _sink(tmp_path / "a.bmp") as sink,
        pytest.raises(OutputError, match=r"names a single image, and the video has more frames"),
    ):
        _write(sink, [0, 1])


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist: make it first"):
        _sink(tmp_path / "nowhere" / "%d.png")


def test_images_that_can_not_be_renamed_are_kept(tmp_path: Path) -> None:
    (tmp_path / "2.png").mkdir()
    with _sink(tmp_path / "%d.png") as sink:
        _write(sink, [0, 1, 2])
        with pytest.raises(OutputError, match=r"images that are not renamed are kept as .*images\.partial"):
            sink.commit(overwrite=True)
    assert (tmp_path / "1.png").exists()
    assert sorted(path.name for path in (tmp_path / "images.partial").iterdir()) == ["2.png", "3.png"]
