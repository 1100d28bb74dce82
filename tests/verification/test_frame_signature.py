"""Signatures: the mean colours of parts of a frame, in any format and size."""

from dataclasses import replace

import av
import numpy as np
import pytest

from pipeline.colour.convert import from_rgb
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Plane
from pipeline.verification.frame_signature import Grid, compute_av_signature, compute_signature, scale_factor
from tests.verification.plants import scene

COLOUR = Colour(1, False)


def planes_of(rgb: np.ndarray, format: FrameFormat) -> tuple[Plane, ...]:
    planes = format.split(np.zeros(format.bytes, np.uint8))
    from_rgb(rgb, format, planes)
    return planes


@pytest.mark.parametrize("name", sorted(PIXEL_FORMATS))
@pytest.mark.parametrize("full", [False, True])
def test_every_format_gives_the_means_of_its_rgb(name: str, full: bool) -> None:
    rgb = scene(3)
    _, height, width = rgb.shape
    format = FrameFormat(width, height, PIXEL_FORMATS[name], Colour(1, full))
    found = compute_signature(planes_of(rgb, format), format, Grid.of_size(width, height))
    rows, columns = found.shape[1:]
    assert (rows, columns) == (27, 48)
    if format.pixel.chroma:
        assert found.mean(axis=(1, 2)) == pytest.approx(rgb.mean(axis=(1, 2)) * 255, abs=0.5)


@pytest.mark.parametrize("size", [(96, 64), (97, 63), (1, 1), (2, 3), (16, 300)])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_an_enlargement_has_the_signature_of_its_original(size: tuple[int, int], scale: int) -> None:
    width, height = size
    rgb = np.random.default_rng(1).uniform(0.2, 0.8, (3, height, width))
    small = FrameFormat(width, height, PIXEL_FORMATS["yuv444p"], COLOUR)
    large = replace(small, width=width * scale, height=height * scale)
    grid = Grid.of_size(width, height)
    before = compute_signature(planes_of(rgb, small), small, grid)
    enlarged = rgb.repeat(scale, 1).repeat(scale, 2)
    after = compute_signature(planes_of(enlarged, large), large, grid.enlarged(large.width, large.height))
    np.testing.assert_allclose(after, before, atol=1e-3)


def test_padding_is_ignored() -> None:
    rgb = np.zeros((3, 64, 98))
    rgb[:, :63, :97] = 0.5
    format = FrameFormat(98, 64, PIXEL_FORMATS["yuv444p"], COLOUR)
    found = compute_signature(planes_of(rgb, format), format, Grid.of_size(97, 63).enlarged(98, 64))
    assert np.ptp(found) < 1e-3


@pytest.mark.parametrize("name", [name for name, pixel in sorted(PIXEL_FORMATS.items()) if pixel.alpha])
def test_transparent_pixels_are_gray_where_alpha_counts(name: str) -> None:
    format = FrameFormat(96, 64, PIXEL_FORMATS[name], COLOUR)
    planes = planes_of(scene(3)[:, :64, :96], format)
    planes[-1][:] = (1 << format.pixel.depth) - 1
    grid = Grid.of_size(96, 64)
    without = compute_signature(planes, format, grid)
    np.testing.assert_allclose(compute_signature(planes, format, grid, alpha=True), without, atol=1e-3)
    planes[-1][:] = 0
    assert np.ptp(compute_signature(planes, format, grid, alpha=True)) < 1e-3
    np.testing.assert_array_equal(compute_signature(planes, format, grid), without)


def test_a_frame_of_pyav_has_the_same_signature() -> None:
    rgb = (scene(5) * 255).round() / 255
    _, height, width = rgb.shape
    grid = Grid.of_size(width, height)
    picture = av.VideoFrame.from_ndarray((rgb * 255).round().astype(np.uint8).transpose(1, 2, 0), "rgb24")
    format = FrameFormat(width, height, PIXEL_FORMATS["gbrp"], COLOUR)
    direct = compute_signature(planes_of(rgb, format), format, grid)
    np.testing.assert_allclose(compute_av_signature(picture, COLOUR, grid), direct, atol=1e-3)


@pytest.mark.parametrize(
    ("length", "enlarged", "scale"),
    [(321, 642, 2), (321, 322, 1), (321, 643, 2), (100, 150, 1.5), (100, 50, 0.5), (1, 2, 2)],
)
def test_the_scale_factor_ignores_padding(length: int, enlarged: int, scale: float) -> None:
    assert scale_factor(length, enlarged) == scale
