"""Chroma filters: flat fields, ramps and mirror images, for every siting and length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.colour.chroma import downsample, downsample_axis, upsample, upsample_axis
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, Siting

lengths = st.integers(1, 40)
phases = st.sampled_from([0, 1, 2])


@given(length=lengths, phase=phases, axis=st.sampled_from([0, 1]))
def test_a_flat_field_stays_flat(length: int, phase: int, axis: int) -> None:
    shape = [3, 3]
    shape[axis] = length
    down = downsample_axis(np.full(shape, 0.3), axis, phase)
    assert down.shape[axis] == -(-length // 2)
    np.testing.assert_allclose(down, 0.3)
    up = upsample_axis(down, length, axis, phase)
    assert up.shape[axis] == length
    np.testing.assert_allclose(up, 0.3)


@pytest.mark.parametrize(("phase", "offset"), [(0, 0.0), (1, 0.5), (2, 1.0)])
def test_a_ramp_is_sampled_at_the_siting_of_chroma(phase: int, offset: float) -> None:
    luma_positions = np.arange(32.0)[:, None]
    down = downsample_axis(luma_positions, 0, phase)
    np.testing.assert_allclose(down[1:-1, 0], 2 * np.arange(1, 15) + offset)
    up = upsample_axis(down, 32, 0, phase)
    np.testing.assert_allclose(up[3:-3], luma_positions[3:-3])


@given(half=st.integers(1, 20), seed=st.integers(0, 99))
def test_phase_2_mirrors_phase_0(half: int, seed: int) -> None:
    row = np.random.default_rng(seed).random((1, 2 * half))
    np.testing.assert_allclose(downsample_axis(row, 1, 2), downsample_axis(row[:, ::-1], 1, 0)[:, ::-1])
    chroma = row[:, :half]
    np.testing.assert_allclose(
        upsample_axis(chroma, 2 * half, 1, 2), upsample_axis(chroma[:, ::-1], 2 * half, 1, 0)[:, ::-1]
    )


@pytest.mark.parametrize("pixel", ["yuv420p", "yuv422p", "yuv440p", "yuv444p"])
@pytest.mark.parametrize("siting", list(Siting))
def test_each_direction_is_filtered_with_its_own_phase(pixel: str, siting: Siting) -> None:
    format = FrameFormat(24, 20, PIXEL_FORMATS[pixel], Colour(1, False, siting=siting))
    rows, columns = np.mgrid[:20, :24].astype(float)
    across, down = siting.phases
    for ramp, sub, phase, axis in ((columns, format.pixel.sub_x, across, 1), (rows, format.pixel.sub_y, down, 0)):
        output = downsample(ramp, format)
        assert output.shape == format.plane_shapes[1]
        places = np.arange(output.shape[axis]) * 2.0 + phase / 2 if sub else np.arange(output.shape[axis]) * 1.0
        np.testing.assert_allclose(np.moveaxis(output, axis, 0)[1:-1, 0], places[1:-1])
        inner = (slice(3, -3), slice(3, -3))
        np.testing.assert_allclose(upsample(output, format)[inner], ramp[inner])
