"""Still pictures as a source: which files a pattern names, when each is shown, and what they are."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.frame import Siting
from pipeline.media.reading.image_sequence import FilePattern, ImageSequence, is_pattern
from pipeline.media.reading.image_source import ImageSource
from pipeline.media.reading.probe import probe
from tests import images

# Exif (TIFF, big-endian) with one entry: orientation 6, a quarter turn.
TURNED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"


def _touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


def test_a_pattern_finds_its_files_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    _touch(tmp_path, "f10.png", "f9.png", "f2.png", "g3.png", "f4.jpg", "f.png")
    assert ImageSequence.find(tmp_path / "f%d.png").numbers == (2, 9, 10)


def test_padded_and_plain_numbers_are_not_mixed_up(tmp_path: Path) -> None:
    _touch(tmp_path, "1.png", "01.png", "001.png", "100.png", "1000.png")
    assert ImageSequence.find(tmp_path / "%d.png").numbers == (1, 100, 1000)
    assert ImageSequence.find(tmp_path / "%03d.png").numbers == (1, 100, 1000)
    assert ImageSequence.find(tmp_path / "%02d.png").files[1].name == "01.png"


def test_a_percent_sign_can_stand_in_a_name(tmp_path: Path) -> None:
    _touch(tmp_path, "50% 1.png", "50% 2.png")
    assert ImageSequence.find(tmp_path / "50%% %d.png").numbers == (1, 2)


@given(st.integers(0, 10**9), st.integers(1, 9), st.text("ab%.[(*", max_size=5), st.text("ab%.[(*", max_size=5))
def test_a_pattern_means_what_printf_means(number: int, digits: int, head: str, tail: str) -> None:
    written = head.replace("%", "%%") + f"%0{digits}d" + tail.replace("%", "%%")
    assert FilePattern(Path("/folder", written)).name(number) == written % number


def test_a_file_with_that_very_name_is_meant_itself(tmp_path: Path) -> None:
    _touch(tmp_path, "pic%02d.png")
    assert not is_pattern(tmp_path / "pic%02d.png")
    assert ImageSequence.find(tmp_path / "pic%02d.png").numbers == (1,)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((1, 2, 3, 5), "number 4 is missing (of 1 to 5)"),
        ((1, 4, 5, 9), "5 numbers are missing, the first 2 (of 1 to 9)"),
        ((0, 10, 20, 40), "number 30 is missing (of 0 to 40)"),
        ((0, 10, 20), ""),
        ((7,), ""),
    ],
)
def test_missing_numbers_are_told_and_regular_steps_are_none(numbers: tuple[int, ...], said: str) -> None:
    assert ImageSequence(Path("%d.png"), {number: Path(f"{number}.png") for number in numbers}).describe_gaps() == said


def test_no_such_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such images \(looked for .*/00\.png, 01\.png and so on\)"):
        ImageSequence.find(tmp_path / "%02d.png")
    with pytest.raises(InputError, match=r"the folder .* can't be read \(No such file"):
        ImageSequence.find(tmp_path / "nowhere" / "%02d.png")


@pytest.mark.parametrize("name", ["%d-%d.png", "shot%d/%d.png", "shot%d/a.png"])
def test_one_number_in_the_name_of_the_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="one number, such as %05d"):
        ImageSequence.find(tmp_path / name)


def test_the_time_of_a_picture_is_its_number(tmp_path: Path) -> None:
    pattern = images.sequence(tmp_path, [10, 12, 14, 18])
    with ImageSource(ImageSequence.find(pattern), Fraction(24000, 1001)) as source:
        packets = list(source)
        assert [packet.pts for packet in packets] == [0, 1, 2, 4]
        assert packets[3].pts * packets[3].time_base == 4 * Fraction(1001, 24000)
        assert source.video.time_base == Fraction(1001, 24000)


def test_a_source_that_is_ended_gives_no_more(tmp_path: Path) -> None:
    with ImageSource(ImageSequence.find(images.sequence(tmp_path, [1, 2, 3]))) as source:
        packets = iter(source)
        next(packets)
        source.stop()
        assert list(packets) == []


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".webp"])
def test_every_kind_is_read_exactly(tmp_path: Path, suffix: str) -> None:
    wanted = images.samples(3)
    assert np.array_equal(images.read(images.write(tmp_path / f"a{suffix}", wanted)), wanted)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_is_read_exactly(tmp_path: Path, suffix: str) -> None:
    wanted = images.samples(3, deep=True)
    path = images.write(tmp_path / f"a{suffix}", wanted)
    assert np.array_equal(images.read(path), wanted)
    assert probe(path).video.format.pixel.name == "gbrp16le"


def test_a_name_says_nothing_about_the_content(tmp_path: Path) -> None:
    path = images.write(tmp_path / "a.png", images.samples(1)).rename(tmp_path / "http:%05d\n.jpg")
    assert probe(path).video.codec == "png"


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("#EXTM3U\nfile:///etc/passwd\n")
    with pytest.raises(InputError, match="is not an image that can be read"):
        probe(tmp_path / "a.png")
    with pytest.raises(InputError, match="no such file"):
        probe(tmp_path / "b.png")


def test_a_sequence_as_media(tmp_path: Path) -> None:
    media = probe(images.sequence(tmp_path, [3, 4, 6]))
    assert (media.video.frames, media.duration, media.video.rate) == (3, 4 / 25, 25)
    assert media.bytes == sum(file.stat().st_size for file in tmp_path.iterdir())
    assert media.images is not None
    assert media.images.notes(media.video.rate) == [
        "number 5 is missing (of 3 to 6)",
        "its 3 images are played at 25 frames/s",
    ]


def test_untagged_pictures_are_srgb_of_full_range(tmp_path: Path) -> None:
    for name, format in (("a.png", "rgb24"), ("b.png", "gray"), ("c.tif", "gray"), ("d.bmp", None), ("e.jpg", None)):
        colour = probe(images.write(tmp_path / name, images.samples(1), format)).video.format.colour
        assert (colour.full_range, colour.primaries, colour.transfer) == (True, 1, 13), name


@pytest.mark.parametrize("name", ["a.webp", "a.tif", "a.jpg"])
def test_the_chroma_of_pictures_sits_midway(tmp_path: Path, name: str) -> None:
    pixel = "yuvj420p" if name == "a.jpg" else "yuv420p"
    path = images.write(tmp_path / name, images.samples(1), pixel)
    assert probe(path).video.format.colour.siting is Siting.CENTRE


def test_rgb_that_becomes_video_gets_the_usual_siting(tmp_path: Path) -> None:
    assert probe(images.write(tmp_path / "a.png", images.samples(1))).video.format.colour.siting is Siting.LEFT


def test_lossy_webp_is_bt601_of_limited_range_at_any_size(tmp_path: Path) -> None:
    path = images.write(tmp_path / "a.webp", images.samples(1, (1280, 720)), "yuv420p")
    colour = probe(path).video.format.colour
    assert colour.matrix == 6


def test_the_orientation_of_a_photo_is_seen(tmp_path: Path) -> None:
    path = images.write(tmp_path / "a.jpg", images.samples(1))
    content = path.read_bytes()
    path.write_bytes(content[:2] + b"\xff\xe1" + (len(TURNED) + 2).to_bytes(2, "big") + TURNED + content[2:])
    assert probe(path).video.display_matrix == (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
