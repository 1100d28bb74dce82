"""A small clip and its original."""

from pathlib import Path

import pytest

from tests.diagnostics.comparison import pairs


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Six frames of 64x48 at 25 frames/s."""
    return pairs.write(tmp_path / "small.mkv")


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """The same at 128x96."""
    return pairs.write(tmp_path / "original.mkv", (128, 96), crf=4)
