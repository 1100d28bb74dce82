import pytest

from pipeline import cuda
from pipeline.superres import flavour


@pytest.fixture(autouse=True)
def _gpu() -> None:
    if reason := cuda.problem():
        pytest.skip(f"no GPU: {reason}")
    if not flavour.installed():
        pytest.skip("TensorRT is not installed")
