"""The measure of an image's texture."""

import numpy as np

from training.texture import texture


def test_gradient_has_no_texture() -> None:
    gradient = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, :, None], (48, 64, 3))
    assert texture(gradient) == 0


def test_texture_of_a_checkerboard_is_eight_times_half_its_contrast() -> None:
    board = (np.indices((32, 32)).sum(axis=0) % 2 * 10).astype(np.uint8)
    assert texture(np.repeat(board[..., None], 3, axis=2)) == 40
