"""What untagged video is taken for."""

import pytest

from pipeline.colour.tags import resolved
from pipeline.frame import Siting

UNTAGGED = (2, 0, 2, 2)


@pytest.mark.parametrize(
    ("size", "matrix"),
    [
        ((720, 480), 6),
        ((720, 576), 5),
        ((1024, 576), 5),
        ((64, 48), 6),
        ((1280, 720), 1),
        ((1920, 1080), 1),
        ((720, 1280), 1),
    ],
)
def test_untagged_sd_is_bt601_and_hd_is_bt709(size: tuple[int, int], matrix: int) -> None:
    colour = resolved(*UNTAGGED, *size, "yuv420p", "h264")
    assert (colour.matrix, colour.full_range) == (matrix, False)
    assert colour.primaries == matrix


def test_tags_are_kept() -> None:
    colour = resolved(9, 2, 9, 16, 640, 480, "yuv420p10le", "hevc")
    assert (colour.matrix, colour.full_range, colour.primaries, colour.transfer) == (9, True, 9, 16)


def test_a_yuvj_format_is_full_range() -> None:
    assert resolved(*UNTAGGED, 640, 480, "yuvj420p", "h264").full_range


def test_jpeg_chroma_sits_midway_and_the_rest_left() -> None:
    assert resolved(*UNTAGGED, 640, 480, "yuvj420p", "mjpeg").siting is Siting.CENTRE
    assert resolved(*UNTAGGED, 640, 480, "yuv420p", "h264").siting is Siting.LEFT
