"""Quantization and ordered dither."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.colour.quantize import BAYER, quantize
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat

GRAY = PIXEL_FORMATS["gray"]


def converted(planes: tuple[np.ndarray, ...], source: FrameFormat, pixel: str) -> tuple[np.ndarray, ...]:
    """A frame through float32, dithered into another pixel format."""
    rgb = np.empty((3, source.height, source.width), np.float32)
    to_rgb(planes, source, rgb)
    output_format = FrameFormat(source.width, source.height, PIXEL_FORMATS[pixel], source.colour)
    output = output_format.split(np.zeros(output_format.bytes, np.uint8))
    from_rgb(rgb, output_format, output, dither=True)
    return output


def test_there_are_64_thresholds_of_mean_0_within_half_a_level() -> None:
    np.testing.assert_array_equal(np.sort(BAYER, axis=None), np.arange(-63, 64, 2) / 128)
    np.testing.assert_array_equal(BAYER[:2, :2], np.array([[-63, 1], [33, -31]]) / 128)  # as Bayer has them: 0 2, 3 1


@given(level=st.integers(0, 255), seed=st.integers(0, 9))
def test_dither_preserves_values_that_are_code_values(level: int, seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-1, 1, (20, 30)) / 256
    output = np.zeros((20, 30), np.uint8)
    quantize((level + noise).astype(np.float32), output, GRAY, 255, dither=True)
    assert (output == level).all()


@given(value=st.floats(0, 255))
def test_dither_preserves_the_mean_of_any_value(value: float) -> None:
    output = np.zeros((24, 24), np.uint8)
    quantize(np.full((24, 24), value), output, GRAY, 255, dither=True)
    assert abs(output.mean() - value) <= 1 / 128
    assert set(np.unique(output)) <= {np.floor(value), np.ceil(value)}


@pytest.mark.parametrize(
    ("source_name", "output_name"), [("yuv444p10le", "yuv444p"), ("gbrp10le", "gbrp"), ("gray10le", "gray")]
)
def test_a_10_bit_ramp_keeps_its_local_mean_in_8_bit(source_name: str, output_name: str) -> None:
    source = FrameFormat(512, 64, PIXEL_FORMATS[source_name], Colour(1, True))
    ramp = np.broadcast_to(400 + np.arange(512) // 8, (64, 512)).astype(
        np.uint16
    )  # a level a block: 16 levels of 8 bit
    planes = tuple(ramp.copy() for _ in source.plane_shapes)
    for output in converted(planes, source, output_name):
        means = output.reshape(8, 8, 64, 8).mean(axis=(1, 3))
        exact = ramp[::8, ::8] * (255 / 1023)  # of chroma, but for where its zero lies
        np.testing.assert_allclose(np.diff(means, axis=1), 255 / 1023, atol=0.05)  # no step is wider than another
        np.testing.assert_allclose(means - means[0, 0], exact - exact[0, 0], atol=0.05)


@pytest.mark.parametrize(
    ("source_name", "output_name"), [("yuv420p10le", "yuv420p"), ("p010le", "nv12"), ("yuv444p12le", "yuv444p")]
)
def test_flat_fields_that_8_bit_can_represent_are_exact(source_name: str, output_name: str) -> None:
    source = FrameFormat(24, 16, PIXEL_FORMATS[source_name], Colour(1, False))
    for codes in ((16, 128, 128), (235, 128, 128), (81, 90, 240), (144, 54, 34), (101, 77, 201)):
        planes = source.split(np.zeros(source.bytes, np.uint8))
        up = source.pixel.depth - 8 + source.pixel.shift
        if source.pixel.interleaved:
            planes[0][:], planes[1][:, 0::2], planes[1][:, 1::2] = (code << up for code in codes)
        else:
            for plane, code in zip(planes, codes, strict=True):
                plane[:] = code << up
        luma, *chroma = converted(planes, source, output_name)
        assert (luma == codes[0]).all()
        found = [chroma[0][:, 0::2], chroma[0][:, 1::2]] if len(chroma) == 1 else chroma
        assert [(plane == code).all() for plane, code in zip(found, codes[1:], strict=True)] == [True, True]


def test_values_are_rounded_to_even_and_clamped_without_dither() -> None:
    output = np.zeros((1, 6), np.uint8)
    quantize(np.array([[-3.0, 0.5, 1.5, 2.4, 254.6, 300.0]]), output, GRAY, 255)
    assert output.tolist() == [[0, 0, 2, 2, 255, 255]]
