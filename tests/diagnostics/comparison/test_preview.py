"""One frame before and after upscaling."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.diagnostics.comparison.preview import preview
from pipeline.diagnostics.quality import save_png
from pipeline.errors import InputError, ModelError
from tests import clips
from tests.diagnostics.comparison.pairs import settings


def test_the_frame_at_a_time_is_shown_before_and_after(clip: Path) -> None:
    image = preview(clip, settings(model="clear-x2", start=Fraction(1, 5)))
    assert image.shape == (2 * 48 + 26, 2 * 2 * 64 + 2, 3)
    expected = (clips.shade(5) - 16) * 255 / 219
    assert image[26 + 48, 64].mean() == pytest.approx(expected, abs=4)
    assert image[26 + 48, 128 + 2 + 64].mean() == pytest.approx(expected, abs=4)


def test_a_still_image_has_a_preview_too(tmp_path: Path) -> None:
    save_png(tmp_path / "photo.png", np.full((20, 30, 3), 99, np.uint8))
    image = preview(tmp_path / "photo.png", settings(model="identity"))
    assert image.shape == (20 + 26, 62, 3)
    assert np.abs(image[26:].astype(int) - 99)[:, :30].max() == 0


def test_a_time_beyond_the_end_is_an_input_error(clip: Path) -> None:
    with pytest.raises(InputError, match="has no frame from 9 s on"):
        preview(clip, settings(start=9))


def test_an_unknown_model_is_a_model_error(clip: Path) -> None:
    with pytest.raises(ModelError, match="no model called"):
        preview(clip, settings(model="nonsense"))


def test_a_preview_has_the_size_of_the_output(clip: Path) -> None:
    image = preview(clip, settings(model="clear-x2", height=144, strength=0.5))
    assert image.shape == (144 + 26, 2 * 192 + 2, 3)
