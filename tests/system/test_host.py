"""What is told of the machine, and given back to it."""

import numpy as np
import psutil

from pipeline.system import host


def test_memory_that_is_free_goes_back_to_the_system() -> None:
    held = [np.ones(60_000, np.uint8) for _ in range(2000)]  # too small to be mapped one by one
    full = psutil.Process().memory_info().rss
    last = held[-1]
    held.clear()
    host.give_back_memory()
    assert psutil.Process().memory_info().rss < full
    assert last.all()
