"""The checks that every session makes. Its behaviour is in session_suite.py."""

import numpy as np
import pytest

from pipeline.errors import MismatchError
from pipeline.models import catalogue
from pipeline.superres.session import check_tensor


@pytest.mark.parametrize(("dtype", "shape"), [(np.float16, (1, 3, 16, 32)), (np.float32, (1, 1, 16, 32))])
def test_an_engine_with_another_tensor_is_refused(dtype: type[np.floating], shape: tuple[int, ...]) -> None:
    model = catalogue.find("clear-x2", np.float32)
    check_tensor("input", np.dtype(np.float32), (1, 3, 16, 32), model, 16, 32)
    with pytest.raises(MismatchError, match=r"tensor input is .* needs \(1, 3, 16, 32\) float32, planes of RGB"):
        check_tensor("input", np.dtype(dtype), shape, model, 16, 32)
