"""The error of a network's implementation. Engines themselves are built in tests/gpu."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.diagnostics.engines import network_error
from pipeline.models import catalogue
from pipeline.superres.gpu import validation


def test_the_exact_network_has_no_error() -> None:
    model = catalogue.find("srvgg-4x1", "fp32")
    error = network_error(lambda image: validation.reference_output(model, image), "srvgg-4x1", side=48)
    assert (error.psnr, error.worst) == (float("inf"), 0)


def test_error_is_in_decibels_and_levels_of_8_bit() -> None:
    model = catalogue.find("srvgg-4x1", "fp32")

    def off_by_a_level(image: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(validation.reference_output(model, image) + 1 / 255)

    error = network_error(off_by_a_level, "srvgg-4x1", side=48)
    assert error.worst == pytest.approx(1)
    assert error.psnr == pytest.approx(20 * np.log10(255))
