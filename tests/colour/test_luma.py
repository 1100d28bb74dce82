"""Luma for networks of one channel, and the resampled chroma around it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.colour.convert import to_rgb
from pipeline.colour.luma import to_luma, with_chroma
from pipeline.colour.matrix import LUMA_WEIGHTS, conversion, luma_weights
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Plane, Siting

formats = st.builds(
    FrameFormat,
    width=st.integers(1, 20),
    height=st.integers(1, 20),
    pixel=st.sampled_from(list(PIXEL_FORMATS.values())),
    colour=st.builds(
        Colour,
        matrix=st.sampled_from(sorted(LUMA_WEIGHTS)),
        full_range=st.booleans(),
        siting=st.sampled_from(list(Siting)),
    ),
)


def noise(format: FrameFormat, seed: int = 0) -> tuple[Plane, ...]:
    planes = format.split(np.zeros(format.bytes, np.uint8))
    for plane in planes:
        levels = np.random.default_rng(seed).integers(0, 1 << format.pixel.depth, plane.shape)
        plane[:] = levels.astype(plane.dtype) << format.pixel.shift
    return planes


@given(format=formats, seed=st.integers(0, 99))
def test_luma_equals_the_luma_of_the_frames_rgb(format: FrameFormat, seed: int) -> None:
    planes = noise(format, seed)
    luma, rgb = np.empty((1, format.height, format.width)), np.empty((3, format.height, format.width))
    to_luma(planes, format, luma)
    to_rgb(planes, format, rgb)
    np.testing.assert_allclose(luma[0], np.tensordot(luma_weights(format.colour.matrix), rgb, 1), atol=1e-12)


@given(format=formats, seed=st.integers(0, 99), scale=st.sampled_from([1, 2, 3]))
def test_with_chroma_preserves_the_networks_luma(format: FrameFormat, seed: int, scale: int) -> None:
    luma = np.random.default_rng(seed).random((1, scale * format.height, scale * format.width))
    rgb = np.empty((3, *luma.shape[1:]))
    with_chroma(luma, noise(format, seed), format, rgb)
    np.testing.assert_allclose(np.tensordot(luma_weights(format.colour.matrix), rgb, 1), luma[0], atol=1e-12)


@pytest.mark.parametrize("pixel", ["yuv444p", "gbrp12le", "gray10le", "yuva444p16le"])
def test_frames_without_subsampling_survive_a_round_trip_at_scale_1(pixel: str) -> None:
    format = FrameFormat(13, 9, PIXEL_FORMATS[pixel], Colour(9, False))
    planes = noise(format)
    luma, rgb, output = (np.empty((channels, 9, 13)) for channels in (1, 3, 3))
    to_luma(planes, format, luma)
    to_rgb(planes, format, rgb)
    with_chroma(luma, planes, format, output)
    np.testing.assert_allclose(output, rgb, atol=1e-12)


@pytest.mark.parametrize("siting", list(Siting))
@pytest.mark.parametrize("pixel", ["yuv420p16le", "yuv422p16le", "yuv440p12le", "yuv444p16le"])
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_chroma_ramp_is_resampled_from_its_siting(siting: Siting, pixel: str, scale: int) -> None:
    format = FrameFormat(32, 24, PIXEL_FORMATS[pixel], Colour(1, True, siting=siting))
    sub, phases = (format.pixel.sub_x, format.pixel.sub_y), siting.phases
    rows, columns = format.plane_shapes[1]
    x, y = (
        (np.arange(n) * 2 + p / 2 if s else np.arange(n)) for n, s, p in zip((columns, rows), sub, phases, strict=True)
    )
    unit = 1 << (format.pixel.depth - 8)
    zero = 1 << (format.pixel.depth - 1)
    ramp = (zero + unit * (2 * x + 2 * y[:, None])).astype(np.uint16)  # whole numbers wherever chroma is sited
    planes = (np.zeros((24, 32), np.uint16), np.full_like(ramp, zero), ramp)
    rgb = np.empty((3, 24 * scale, 32 * scale))
    with_chroma(np.zeros((1, *rgb.shape[1:])), planes, format, rgb)
    across, down = ((np.arange(n * scale) + 0.5) / scale - 0.5 for n in (32, 24))
    numbers = conversion(format.colour, format.pixel)
    expected = unit * (2 * across + 2 * down[:, None]) * numbers.chroma_gain * numbers.red_v
    inner = (slice(8 * scale, -8 * scale), slice(8 * scale, -8 * scale))
    np.testing.assert_allclose(rgb[0][inner], expected[inner], atol=1e-9)


def test_white_of_255_gives_the_same_rgb_as_white_of_1() -> None:
    format = FrameFormat(8, 6, PIXEL_FORMATS["yuv420p"], Colour(1, False))
    planes = noise(format)
    converted = []
    for white in (1.0, 255.0):
        luma, rgb = np.empty((1, 6, 8), np.float32), np.empty((3, 6, 8), np.float32)
        to_luma(planes, format, luma, white)
        with_chroma(luma, planes, format, rgb, white)
        converted.append(rgb / white)
    np.testing.assert_allclose(converted[0], converted[1], atol=1e-6)
