"""Frames are rotated and mirrored in all eight ways, chroma included."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.colour.convert import to_rgb
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat, PixelFormat, Siting
from pipeline.media.decoding.rotate import Orientation, Rotate

ONE = 65536
EIGHT = [Orientation(*flags) for flags in itertools.product([False, True], repeat=3)]
CODED = [siting for siting in Siting if siting.coded is siting]


def matrix(a: int, b: int, c: int, d: int) -> tuple[int, ...]:
    return a, b, 0, c, d, 0, 0, 0, 1 << 30


@pytest.mark.parametrize(
    ("numbers", "displayed", "text"),
    [
        ((ONE, 0, 0, ONE), "AB/CD", "not rotated"),
        ((0, ONE, -ONE, 0), "CA/DB", "rotated by 90 degrees"),
        ((-ONE, 0, 0, -ONE), "DC/BA", "rotated by 180 degrees"),
        ((0, -ONE, ONE, 0), "BD/AC", "rotated by 270 degrees"),
        ((-ONE, 0, 0, ONE), "BA/DC", "mirrored"),
        ((ONE, 0, 0, -ONE), "CD/AB", "mirrored and rotated by 180 degrees"),
        ((0, ONE, ONE, 0), "AC/BD", "mirrored and rotated by 270 degrees"),
        ((0, -ONE, -ONE, 0), "DB/CA", "mirrored and rotated by 90 degrees"),
    ],
)
def test_display_matrix_rotates_and_mirrors(numbers: tuple[int, int, int, int], displayed: str, text: str) -> None:
    orientation = Orientation.from_matrix(matrix(*numbers))
    assert orientation is not None
    rotated = orientation.apply(np.array([["A", "B"], ["C", "D"]]))
    assert "/".join("".join(row) for row in rotated) == displayed
    assert (str(orientation), orientation.matrix) == (text, numbers)


def test_missing_matrix_means_no_rotation() -> None:
    assert Orientation.from_matrix(None) == Orientation()


def test_scaled_or_rounded_matrix_is_recognised() -> None:
    assert Orientation.from_matrix(matrix(0, 2 * ONE, -ONE, 0)) == Orientation(transposed=True, across=True)
    assert Orientation.from_matrix(matrix(-ONE, 3, -3, -ONE)) == Orientation(across=True, down=True)


@pytest.mark.parametrize("numbers", [(46341, 46341, -46341, 46341), (ONE, ONE // 2, 0, ONE), (0, 0, 0, 0)])
def test_other_matrices_are_not_recognised(numbers: tuple[int, int, int, int]) -> None:
    assert Orientation.from_matrix(matrix(*numbers)) is None


@pytest.mark.parametrize("orientation", EIGHT, ids=str)
def test_inverse_undoes_an_orientation(orientation: Orientation) -> None:
    plane = np.arange(12).reshape(3, 4)
    assert np.array_equal(orientation.inverse.apply(orientation.apply(plane)), plane)


@given(
    st.sampled_from(EIGHT),
    st.sampled_from([pixel for pixel in PIXEL_FORMATS.values() if not pixel.alpha]),
    st.sampled_from(CODED),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 1 << 30),
)
def test_rotated_frame_has_rotated_colours(
    orientation: Orientation, pixel: PixelFormat, siting: Siting, width: int, height: int, seed: int
) -> None:
    format = FrameFormat(width, height, pixel, Colour(1, False, siting=siting))
    stage = Rotate[str](orientation, format)
    rotated = rotate_one(stage, _noise(format, seed))
    assert rotated.format == stage.format
    assert [plane.shape for plane in rotated.planes] == [*stage.format.plane_shapes]
    assert all(plane.dtype == stage.format.pixel.dtype for plane in rotated.planes)
    wanted = orientation.apply(np.moveaxis(_rgb(_noise(format, seed)), 0, -1))
    levels = (1 << format.pixel.depth) - 1
    rounded = 1.3 / levels if stage.format.pixel.sub_x + stage.format.pixel.sub_y < _subsampled(format) else 1e-12
    assert np.abs(np.moveaxis(_rgb(rotated), 0, -1) - wanted).max() <= rounded


def rotate_one(stage: Rotate[str], frame: Frame) -> Frame:
    (rotated,) = stage.feed(frame)
    assert isinstance(rotated, Frame)
    return rotated


def _subsampled(format: FrameFormat) -> int:
    return format.pixel.sub_x + format.pixel.sub_y


def _noise(format: FrameFormat, seed: int = 1) -> Frame:
    packed = np.random.default_rng(seed).integers(0, 256, format.bytes, np.uint8)
    pixel = format.pixel
    if pixel.depth > 8:
        samples = packed.view(np.uint16)
        samples &= (1 << pixel.depth) - 1
        samples <<= pixel.shift
    return Frame(format, format.split(packed), pts=7)


def _rgb(frame: Frame) -> NDArray[np.float64]:
    rgb = np.empty((3, frame.format.height, frame.format.width))
    to_rgb(frame.planes, frame.format, rgb)
    return rgb


def _format(pixel: str, size: tuple[int, int] = (8, 6), siting: Siting = Siting.LEFT) -> FrameFormat:
    return FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(1, False, siting=siting))


QUARTER = Orientation(transposed=True, across=True)


@pytest.mark.parametrize(
    ("pixel", "size", "expected"),
    [
        ("yuv420p10le", (8, 6), "yuv420p10le"),
        ("yuv422p", (8, 6), "yuv440p"),
        ("yuv440p12le", (8, 6), "yuv422p12le"),
        ("yuv422p16le", (8, 6), "yuv444p16le"),  # there is no yuv440p16le
        ("yuva422p", (8, 6), "yuva444p"),
        ("yuv420p", (8, 5), "yuv444p"),  # counted from the lower end, other pairs of rows share chroma
        ("nv12", (8, 5), "yuv444p"),
        ("p010le", (8, 6), "p010le"),
        ("gray", (7, 5), "gray"),
    ],
)
def test_chroma_stays_subsampled_where_possible(pixel: str, size: tuple[int, int], expected: str) -> None:
    format = QUARTER.rotated_format(_format(pixel, size))
    assert (format.pixel.name, format.width, format.height) == (expected, size[1], size[0])


def test_rotated_planes_are_views_with_the_same_time_and_owner() -> None:
    released: list[int] = []
    frame = replace(_noise(_format("yuv420p")), duration=3, release=lambda: released.append(1))
    rotated = rotate_one(Rotate[str](QUARTER, frame.format), frame)
    assert all(np.shares_memory(a, b) for a, b in zip(rotated.planes, frame.planes, strict=True))
    assert (rotated.pts, rotated.duration) == (7, 3)
    rotated.release()
    assert released == [1]


def test_alpha_is_rotated_too() -> None:
    frame = _noise(_format("yuva422p"))
    rotated = rotate_one(Rotate[str](QUARTER, frame.format), frame)
    assert np.array_equal(rotated.planes[3], QUARTER.apply(frame.planes[3]))


def test_other_items_pass_unchanged() -> None:
    assert [*Rotate[str](QUARTER, _format("yuv420p")).feed("a packet")] == ["a packet"]
