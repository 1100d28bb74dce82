"""Fonts and text of drawings."""

from pathlib import Path

import numpy as np
import pytest

from training.drawings.canvas import Canvas
from training.drawings.lettering import Lettering, find_fonts


def lettering(seed: int = 1) -> Lettering:
    return Lettering(np.random.default_rng(seed), [])


def test_text_ends_where_its_ink_ends() -> None:
    canvas = Canvas(200, 40, (255, 255, 255))
    end = lettering().write(canvas, "HNMH", (10, 30), 20, (0, 0, 0))
    inked = np.flatnonzero((canvas.reduced()[..., 0] < 128).any(axis=0))
    assert 10 <= inked[0] < 16
    assert abs(inked[-1] - end) < 5


def test_fitting_text_is_not_wider_than_requested() -> None:
    for seed in range(8):
        canvas = Canvas(400, 40, (255, 255, 255))
        writer = lettering(seed)
        text = writer.fitting(300, 10)
        assert " " in text
        assert writer.write(canvas, text, (0, 30), 10, (0, 0, 0)) <= 306


def test_only_fonts_of_moderate_size_are_found(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.ttf").write_bytes(b"")
    (tmp_path / "b.otf").write_bytes(b"")
    (tmp_path / "readme.txt").write_bytes(b"")
    with (tmp_path / "large.ttc").open("wb") as large:
        large.truncate(9 * 2**20)
    assert find_fonts(tmp_path) == [tmp_path / "b.otf", tmp_path / "deep" / "a.ttf"]
    assert find_fonts(tmp_path / "missing") == []


def test_file_that_is_no_font_is_reported_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "broken.ttf"
    path.write_bytes(b"no font")
    with pytest.raises(ValueError, match=r"broken\.ttf is not a font"):
        Lettering(np.random.default_rng(1), [path] * 500)
