import pytest

from pipeline.superres import flavour
from pipeline.system import cuda


@pytest.fixture(autouse=True)
def _gpu() -> None:
    if reason := cuda.problem():
        pytest.skip(f"no GPU: {reason}")
    if not flavour.installed():
        pytest.skip("TensorRT is not installed")
