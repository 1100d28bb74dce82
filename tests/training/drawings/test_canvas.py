"""The canvas from which drawings are reduced."""

import numpy as np

from training.drawings.canvas import Canvas, ellipse


def test_edge_between_pixels_is_sharp() -> None:
    canvas = Canvas(8, 4, (0, 0, 0))
    canvas.polygon([[4, -1], [9, -1], [9, 5], [4, 5]], (200, 200, 200))
    assert (canvas.reduced()[:, :3] == 0).all()
    assert (canvas.reduced()[:, 3] < 40).all()  # OpenCV's own antialiasing: under a fifth of a pixel
    assert (canvas.reduced()[:, 5:] == 200).all()


def test_area_of_a_disc_is_kept_at_any_fraction_of_a_pixel() -> None:
    sums = []
    for shift in np.linspace(0, 1, 7):
        canvas = Canvas(32, 32, (0, 0, 0))
        canvas.ellipse((16 + shift, 16 - shift / 2), (6, 6), (240, 240, 240))
        sums.append(canvas.reduced()[..., 0].sum() / 240)
    assert np.ptp(sums) < 1
    assert np.allclose(sums, np.pi * 36, rtol=0.08)


def test_stroke_is_as_wide_as_requested_along_its_way() -> None:
    canvas = Canvas(64, 32, (0, 0, 0))
    x = np.linspace(4, 60, 30)
    canvas.stroke(np.stack([x, np.full(30, 16)], axis=1), np.linspace(2, 8, 30), (255, 255, 255))
    widths = canvas.reduced()[..., 0].sum(axis=0) / 255
    assert abs(widths[12] - (2 + 6 * (12.5 - 4) / 56)) < 0.6
    assert abs(widths[50] - (2 + 6 * (50.5 - 4) / 56)) < 0.6


def test_gradient_runs_from_start_to_end_inside_the_polygon_only() -> None:
    canvas = Canvas(32, 16, (9, 9, 9))
    canvas.gradient([[4, 4], [28, 4], [28, 12], [4, 12]], (0, 0, 0), (240, 240, 240), 0.0)
    row = canvas.reduced()[8, :, 0].astype(int)
    assert row[5] < 20
    assert row[26] > 220
    assert (np.diff(row[5:27]) > 0).all()
    assert (row[:3] == 9).all()
    assert (row[29:] == 9).all()


def test_gradient_outside_the_canvas_changes_nothing() -> None:
    canvas = Canvas(8, 8, (9, 9, 9))
    canvas.gradient([[20, 20], [30, 20], [30, 30]], (0, 0, 0), (255, 255, 255), 0.5)
    assert (canvas.samples == 9).all()


def test_blur_smooths_the_reduced_image() -> None:
    canvas = Canvas(16, 16, (0, 0, 0))
    canvas.polygon([[8, -1], [17, -1], [17, 17], [8, 17]], (255, 255, 255))
    sharp, soft = canvas.reduced()[8, :, 0].astype(int), canvas.reduced(blur=1.0)[8, :, 0].astype(int)
    assert np.abs(np.diff(soft)).max() < np.abs(np.diff(sharp)).max()


def test_points_of_an_ellipse_have_its_axes() -> None:
    points = ellipse((3, 4), (5, 2))
    assert np.allclose(points.max(axis=0), [8, 6])
    assert np.allclose(np.ptp(ellipse((0, 0), (5, 2), np.pi / 2), axis=0), [4, 10])
