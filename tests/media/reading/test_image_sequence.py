"""Images are found by pattern, described by `probe` and read exactly."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.frame import Siting
from pipeline.media.reading.image_sequence import FilePattern, ImageSequence, is_pattern
from pipeline.media.reading.probe import probe
from tests import images

# Exif (TIFF, big-endian) with one entry: orientation 6, rotated by 90 degrees.
ROTATED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


def test_pattern_finds_its_files_in_numerical_order(tmp_path: Path) -> None:
    touch(tmp_path, "f10.png", "f9.png", "f2.png", "g3.png", "f4.jpg", "f.png")
    assert ImageSequence.find(tmp_path / "f%d.png").numbers == (2, 9, 10)


def test_padded_and_unpadded_numbers_are_distinguished(tmp_path: Path) -> None:
    touch(tmp_path, "1.png", "01.png", "001.png", "100.png", "1000.png")
    assert ImageSequence.find(tmp_path / "%d.png").numbers == (1, 100, 1000)
    assert ImageSequence.find(tmp_path / "%03d.png").numbers == (1, 100, 1000)
    assert ImageSequence.find(tmp_path / "%02d.png").files[1].name == "01.png"


def test_double_percent_means_a_percent_sign(tmp_path: Path) -> None:
    touch(tmp_path, "50% 1.png", "50% 2.png")
    assert ImageSequence.find(tmp_path / "50%% %d.png").numbers == (1, 2)


@given(st.integers(0, 10**9), st.integers(1, 9), st.text("ab%.[(*", max_size=5), st.text("ab%.[(*", max_size=5))
def test_pattern_formats_numbers_as_printf_does(number: int, digits: int, head: str, tail: str) -> None:
    written = head.replace("%", "%%") + f"%0{digits}d" + tail.replace("%", "%%")
    assert FilePattern(Path("/folder", written)).name(number) == written % number


def test_existing_file_with_a_percent_sign_is_no_pattern(tmp_path: Path) -> None:
    touch(tmp_path, "pic%02d.png")
    assert not is_pattern(tmp_path / "pic%02d.png")
    assert ImageSequence.find(tmp_path / "pic%02d.png").numbers == (1,)


@pytest.mark.parametrize(
    ("numbers", "description"),
    [
        ((1, 2, 3, 5), "number 4 is missing (of 1 to 5)"),
        ((1, 4, 5, 9), "5 numbers are missing, the first 2 (of 1 to 9)"),
        ((0, 10, 20, 40), "number 30 is missing (of 0 to 40)"),
        ((0, 10, 20), ""),
        ((7,), ""),
    ],
)
def test_gaps_list_missing_numbers_but_not_regular_steps(numbers: tuple[int, ...], description: str) -> None:
    assert (
        ImageSequence(Path("%d.png"), {number: Path(f"{number}.png") for number in numbers}).describe_gaps()
        == description
    )


def test_pattern_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such images \(looked for .*/00\.png, 01\.png and so on\)"):
        ImageSequence.find(tmp_path / "%02d.png")
    with pytest.raises(InputError, match=r"the folder .* can't be read \(No such file"):
        ImageSequence.find(tmp_path / "nowhere" / "%02d.png")


@pytest.mark.parametrize("name", ["%d-%d.png", "shot%d/%d.png", "shot%d/a.png"])
def test_pattern_needs_exactly_one_number_in_the_file_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="a pattern has one number, such as %05d"):
        ImageSequence.find(tmp_path / name)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".webp"])
def test_every_8_bit_format_is_read_exactly(tmp_path: Path, suffix: str) -> None:
    wanted = images.samples(3)
    assert np.array_equal(images.read(images.write(tmp_path / f"a{suffix}", wanted)), wanted)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_every_16_bit_format_is_read_exactly(tmp_path: Path, suffix: str) -> None:
    wanted = images.samples(3, deep=True)
    path = images.write(tmp_path / f"a{suffix}", wanted)
    assert np.array_equal(images.read(path), wanted)
    assert probe(path).video.format.pixel.name == "gbrp16le"


def test_format_is_recognised_by_content_not_by_name(tmp_path: Path) -> None:
    path = images.write(tmp_path / "a.png", images.samples(1)).rename(tmp_path / "http:%05d\n.jpg")
    assert probe(path).video.codec == "png"


def test_file_without_an_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("#EXTM3U\nfile:///etc/passwd\n")
    with pytest.raises(InputError, match="is not an image that can be read"):
        probe(tmp_path / "a.png")
    with pytest.raises(InputError, match="no such file"):
        probe(tmp_path / "b.png")


def test_sequence_is_described_with_its_gaps(tmp_path: Path) -> None:
    media = probe(images.sequence(tmp_path, [3, 4, 6]))
    assert (media.video.frames, media.duration, media.video.rate) == (3, 4 / 25, Fraction(25))
    assert media.bytes == sum(file.stat().st_size for file in tmp_path.iterdir())
    assert media.images is not None
    assert media.images.notes(media.video.rate) == [
        "number 5 is missing (of 3 to 6)",
        "its 3 images are played at 25 frames/s",
    ]


def test_untagged_images_are_full_range_srgb(tmp_path: Path) -> None:
    for name, format in (("a.png", "rgb24"), ("b.png", "gray"), ("c.tif", "gray"), ("d.bmp", None), ("e.jpg", None)):
        colour = probe(images.write(tmp_path / name, images.samples(1), format)).video.format.colour
        assert (colour.full_range, colour.primaries, colour.transfer) == (True, 1, 13), name


@pytest.mark.parametrize("name", ["a.webp", "a.tif", "a.jpg"])
def test_chroma_of_images_is_sited_at_the_centre(tmp_path: Path, name: str) -> None:
    pixel = "yuvj420p" if name == "a.jpg" else "yuv420p"
    path = images.write(tmp_path / name, images.samples(1), pixel)
    assert probe(path).video.format.colour.siting is Siting.CENTRE


def test_rgb_images_have_the_default_siting_of_video(tmp_path: Path) -> None:
    assert probe(images.write(tmp_path / "a.png", images.samples(1))).video.format.colour.siting is Siting.LEFT


def test_lossy_webp_is_bt601_of_limited_range_at_any_size(tmp_path: Path) -> None:
    path = images.write(tmp_path / "a.webp", images.samples(1, (1280, 720)), "yuv420p")
    colour = probe(path).video.format.colour
    assert colour.matrix == 6


def test_exif_orientation_is_read_as_a_display_matrix(tmp_path: Path) -> None:
    path = images.write(tmp_path / "a.jpg", images.samples(1))
    content = path.read_bytes()
    path.write_bytes(content[:2] + b"\xff\xe1" + (len(ROTATED) + 2).to_bytes(2, "big") + ROTATED + content[2:])
    assert probe(path).video.display_matrix == (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
