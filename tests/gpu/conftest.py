import pytest

from pipeline.superres.gpu.tensorrt import library
from pipeline.system import cuda


@pytest.fixture(autouse=True)
def _gpu() -> None:
    if reason := cuda.unavailable_reason():
        pytest.skip(f"no GPU: {reason}")
    if not library.installed():
        pytest.skip("TensorRT is not installed")
