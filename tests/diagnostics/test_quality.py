"""Figures and pictures of quality."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.diagnostics.quality import pictures, save_png, side_by_side
from pipeline.errors import OutputError
from tests import clips


def test_pictures_are_rgb(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "clip.mkv", frames=3, sound=False)
    found = list(pictures(path))
    assert [p.shape for p in found] == [(48, 64, 3)] * 3
    expected = [round((clips.shade(i) - 16) * 255 / 219) for i in range(3)]
    assert [int(p[24, 32].mean()) for p in found] == pytest.approx(expected, abs=3)


def test_before_and_after_stand_side_by_side_in_a_png(tmp_path: Path) -> None:
    red = np.zeros((40, 50, 3), np.uint8)
    red[..., 0] = 255
    save_png(tmp_path / "picture.png", side_by_side([("before", red), ("after", red)]))
    written = cv2.imread(str(tmp_path / "picture.png"))
    assert written.shape == (66, 102, 3)
    assert written[-1, 0].tolist() == [0, 0, 255]


def test_a_picture_that_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        save_png(tmp_path / "nowhere" / "picture.png", np.zeros((4, 4, 3), np.uint8))
