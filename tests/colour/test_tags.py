"""Colour tags, and how their absence is interpreted."""

import pytest

from pipeline.colour.tags import ColourTags, resolve_colour
from pipeline.frame import Siting

UNTAGGED = ColourTags()


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
    colour = resolve_colour(UNTAGGED, *size, "yuv420p", "h264")
    assert (colour.matrix, colour.full_range) == (matrix, False)
    assert colour.primaries == matrix


def test_tags_take_precedence_over_defaults() -> None:
    colour = resolve_colour(ColourTags(9, 2, 9, 16), 640, 480, "yuv420p10le", "hevc")
    assert (colour.matrix, colour.full_range, colour.primaries, colour.transfer) == (9, True, 9, 16)


def test_a_yuvj_format_is_full_range() -> None:
    assert resolve_colour(UNTAGGED, 640, 480, "yuvj420p", "h264").full_range


def test_untagged_chroma_of_jpeg_is_sited_midway_and_of_h264_left() -> None:
    assert resolve_colour(UNTAGGED, 640, 480, "yuvj420p", "mjpeg").siting is Siting.CENTRE
    assert resolve_colour(UNTAGGED, 640, 480, "yuv420p", "h264").siting is Siting.LEFT


@pytest.mark.parametrize(("codec", "siting"), [("mpeg1video", "center"), ("flv", "center"), ("mpeg2video", "left")])
def test_untagged_siting_depends_on_the_codec_and_a_tag_overrides_it(codec: str, siting: str) -> None:
    assert resolve_colour(UNTAGGED, 640, 480, "yuv420p", codec).siting.value == siting
    assert resolve_colour(ColourTags(siting=Siting.BOTTOM), 640, 480, "yuv420p", codec).siting is Siting.BOTTOM


def test_untagged_yuv410p_is_sited_midway() -> None:
    assert resolve_colour(UNTAGGED, 640, 480, "yuv410p", "svq1").siting is Siting.CENTRE


@pytest.mark.parametrize("format", ["gbrp", "gbrap16le", "rgb24", "argb", "bgr0", "pal8"])
@pytest.mark.parametrize("size", [(64, 48), (1920, 1080)])
def test_untagged_rgb_is_srgb_of_any_size(format: str, size: tuple[int, int]) -> None:
    colour = resolve_colour(UNTAGGED, *size, format, "ffv1")
    assert (colour.matrix, colour.primaries, colour.transfer) == (1, 1, 13)


def test_tagged_rgb_keeps_its_tags() -> None:
    colour = resolve_colour(ColourTags(0, 2, 9, 16), 64, 48, "gbrp10le", "ffv1")
    assert (colour.matrix, colour.primaries, colour.transfer) == (9, 9, 16)


@pytest.mark.parametrize(
    ("primaries", "transfer", "expected"),
    [(9, 2, (9, 9, 14)), (2, 16, (9, 9, 16)), (2, 18, (9, 9, 18)), (9, 1, (9, 9, 1)), (2, 14, (9, 9, 14))],
)
@pytest.mark.parametrize("size", [(640, 480), (3840, 2160)])
def test_an_untagged_matrix_is_bt2020_if_primaries_or_transfer_are(
    primaries: int, transfer: int, expected: tuple[int, int, int], size: tuple[int, int]
) -> None:
    colour = resolve_colour(ColourTags(2, 0, primaries, transfer), *size, "yuv420p10le", "hevc")
    assert (colour.matrix, colour.primaries, colour.transfer) == expected


@pytest.mark.parametrize(("matrix", "primaries", "transfer"), [(1, 1, 1), (5, 5, 6), (6, 6, 6), (7, 7, 7), (9, 9, 14)])
def test_primaries_and_transfer_follow_a_tagged_matrix(matrix: int, primaries: int, transfer: int) -> None:
    colour = resolve_colour(ColourTags(matrix, 0, 2, 2), 640, 480, "yuv420p", "h264")
    assert (colour.matrix, colour.primaries, colour.transfer) == (matrix, primaries, transfer)


def test_reserved_codes_count_as_untagged() -> None:
    assert resolve_colour(ColourTags(3, 0, 0, 3), 1280, 720, "yuv420p", "h264") == resolve_colour(
        UNTAGGED, 1280, 720, "yuv420p", "h264"
    )


@pytest.mark.parametrize("matrix", [8, 10, 14])
def test_a_matrix_that_is_not_linear_is_kept_so_that_the_conversion_refuses_it(matrix: int) -> None:
    assert resolve_colour(ColourTags(matrix, 0, 9, 16), 640, 480, "yuv420p10le", "hevc").matrix == matrix
