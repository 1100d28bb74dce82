"""Frames of all kinds are converted for the screen with their own colours and aspect ratio."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from pipeline.frame import PIXEL_FORMATS, UNSPECIFIED, Colour, Frame, FrameFormat
from pipeline.live.display import fit_size, to_bgr
from tests.live.web.stand_in import BEFORE, RED, plain

SQUARE = Fraction(1)


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "nv12", "p010le", "gbrp", "gray", "yuva444p", "ya8"])
def test_every_pixel_format_can_be_shown(name: str) -> None:
    format = FrameFormat(32, 18, PIXEL_FORMATS[name], Colour(1, False))
    grey = 1 << (format.pixel.depth - 1)
    planes = tuple(np.full(shape, grey << format.pixel.shift, format.pixel.dtype) for shape in format.plane_shapes)
    shown = to_bgr(Frame(format, planes, 1), 16, 9)
    assert shown.shape == (9, 16, 3)
    assert np.abs(shown.astype(int) - 128).max() <= 3


@pytest.mark.parametrize(
    ("matrix", "full_range", "samples"),
    [
        (1, False, RED),
        (1, True, (54, 99, 255)),
        (6, False, (81, 90, 240)),
        (9, False, (74, 97, 240)),
        (UNSPECIFIED, False, (81, 90, 240)),
    ],
)
def test_red_is_red_in_every_matrix_and_range(matrix: int, full_range: bool, samples: tuple[int, int, int]) -> None:
    format = FrameFormat(32, 18, PIXEL_FORMATS["yuv420p"], Colour(matrix, full_range))
    shown = to_bgr(plain(format, samples, 1), 32, 18)
    assert np.abs(shown.astype(int) - (0, 0, 255)).max() <= 3


def test_frames_are_reduced_but_never_enlarged() -> None:
    assert fit_size(BEFORE, SQUARE, 80, 1000) == (80, 45)
    assert fit_size(BEFORE, SQUARE, 1000, 1000) == (160, 90)


def test_the_size_includes_the_sample_aspect_ratio() -> None:
    assert fit_size(BEFORE, Fraction(4, 3), 1000, 1000) == (213, 90)
    assert fit_size(BEFORE, Fraction(4, 3), 1000, 45) == (107, 45)
    assert fit_size(BEFORE, Fraction(3, 4), 60, 1000) == (60, 45)
