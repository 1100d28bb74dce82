"""Tests that need a GPU: skipped without one, and run in one process of pytest-xdist, as they share its memory."""

from pathlib import Path

import pytest

from pipeline.superres.gpu.tensorrt import library
from pipeline.system import cuda


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("gpu"))


@pytest.fixture(autouse=True)
def _gpu() -> None:
    if reason := cuda.unavailable_reason():
        pytest.skip(f"no GPU: {reason}")
    if not library.installed():
        pytest.skip("TensorRT is not installed")
