"""Random shapes and fields."""

import numpy as np

from training.drawings.shapes import blob, project, quad_map, smooth_field, spline


def test_spline_passes_through_its_points() -> None:
    points = np.array([[0, 0], [4, 1], [6, 5], [2, 8]])
    assert np.allclose(spline(points, closed=False, steps=5)[::5], points)
    assert np.allclose(spline(points, closed=True, steps=5)[::5], points)


def test_spline_through_points_on_a_line_stays_on_it() -> None:
    curve = spline([[0, 0], [1, 2], [2, 4], [3, 6]], closed=False)
    assert np.allclose(curve[:, 1], 2 * curve[:, 0])


def test_blob_is_about_as_large_as_requested() -> None:
    outline = blob(np.random.default_rng(1), (50, 60), 20, rough=0.2)
    distance = np.linalg.norm(outline - [50, 60], axis=1)
    assert 14 < distance.min() < distance.max() < 26


def test_field_is_smooth_has_the_size_and_depends_on_the_seed() -> None:
    field = smooth_field(np.random.default_rng(1), 90, 200, 4)
    assert field.shape == (90, 200)
    assert np.abs(np.diff(field, axis=1)).max() < 0.2 * np.ptp(field)
    assert not np.allclose(field, smooth_field(np.random.default_rng(2), 90, 200, 4))


def test_perspective_map_takes_the_unit_square_to_its_corners() -> None:
    corners = [[10, 20], [90, 30], [80, 70], [15, 60]]
    assert np.allclose(project(quad_map(corners), [[0, 0], [1, 0], [1, 1], [0, 1]]), corners, atol=1e-3)
