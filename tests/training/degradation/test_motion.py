"""Clips of a picture over which a camera moves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.pictures import scene
from training.degradation.motion import moving_crop
from training.degradation.recipe import Motion

PICTURE = scene(1, (160, 200))


@given(
    st.tuples(st.integers(0, 100), st.integers(0, 120)),
    st.floats(-20, 20),
    st.floats(-20, 20),
    st.floats(-0.01, 0.01),
    st.integers(5, 9),
)
def test_target_frame_is_the_picture_itself_whatever_the_motion(
    corner: tuple[int, int], x: float, y: float, zoom: float, frames: int
) -> None:
    clip = list(moving_crop(PICTURE, corner, (60, 80), Motion((x, y), zoom, frames, 3)))
    assert [frame.shape for frame in clip] == [(3, 60, 80)] * frames
    expected = PICTURE[corner[0] : corner[0] + 60, corner[1] : corner[1] + 80]
    assert np.array_equal(clip[3], expected.transpose(2, 0, 1))


def test_whole_pixels_of_motion_shift_the_frame_exactly() -> None:
    clip = list(moving_crop(PICTURE, (40, 50), (60, 80), Motion((3.0, -2.0), 0.0, 5, 2)))
    for number, frame in enumerate(clip):
        top, left = 40 - 2 * (number - 2), 50 + 3 * (number - 2)
        assert np.allclose(frame, PICTURE[top : top + 60, left : left + 80].transpose(2, 0, 1), atol=1e-3)


def test_fractions_of_a_pixel_move_a_ramp_by_as_much() -> None:
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (100, 200, 3))
    clip = list(moving_crop(ramp, (20, 60), (40, 60), Motion((0.3, 0.7), 0.0, 7, 3)))
    assert [float(frame[0, 20, 10]) for frame in clip] == pytest.approx([70 + 0.3 * t for t in range(-3, 4)], abs=1e-3)


def test_zoom_is_about_the_middle_of_the_frame() -> None:
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (100, 200, 3))
    later = list(moving_crop(ramp, (20, 60), (40, 60), Motion((0.0, 0.0), 0.01, 5, 2)))[4][0, 20]
    middle = 60 + 29.5
    assert later.mean() == pytest.approx(middle, abs=1e-2)
    assert later[-1] - later[0] == pytest.approx(59 * 1.02, abs=1e-2)


def test_beyond_the_border_the_edge_is_repeated() -> None:
    first = next(iter(moving_crop(PICTURE, (0, 0), (60, 80), Motion((10.0, 0.0), 0.0, 5, 2))))
    assert np.array_equal(first[:, :, 0], PICTURE[:60, 0].T)
    assert np.array_equal(first[:, :, 19], PICTURE[:60, 0].T)
