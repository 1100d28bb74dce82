"""Facts about a network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.models.spec import ModelSpec

SPEC = ModelSpec("name", Path("file.onnx"), "", 2, np.dtype(np.float16), "input", "output", max_channels=40)


@pytest.mark.parametrize(("order", "channels"), [("rgb", 3), ("bgr", 3), ("y", 1)])
def test_the_order_determines_the_number_of_channels(order: str, channels: int) -> None:
    assert replace(SPEC, order=order).channels == channels


def test_working_bytes_count_the_widest_layer_twice_and_both_ends() -> None:
    half = replace(SPEC, precision="fp16")
    assert half.working_bytes(10, 20) == 200 * (2 * 40 * 2 + 3 * (1 + 4) * 2)
    assert SPEC.working_bytes(10, 20) - half.working_bytes(10, 20) == 200 * 2 * 40 * 2
