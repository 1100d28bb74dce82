"""The enlarged image as a part of the output."""

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.models.ncnn.converter import convert_ncnn
from pipeline.system.onnx_runtime import load_onnx_runtime
from tests.models.ncnn.networks import param, random, tagged

SOURCE = "Input image 0 1 x 2=3"
ENLARGE = "Interp enlarge 1 1 a y 0=1 1=2.0 2=2.0"


def test_sum_leaves_out_the_border_that_the_output_lacks() -> None:
    layers = (SOURCE, "Convolution zero 1 1 x a 0=3 1=3 6=81", ENLARGE)
    model = convert_ncnn(param(*layers), tagged(np.zeros(81)), adds_image=True)
    image = random(1, 3, 6, 9)
    session = load_onnx_runtime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = image.repeat(2, 2).repeat(2, 3)[:, :, 2:-2, 2:-2]
    np.testing.assert_array_equal(session.run(None, {"image": image})[0], expected)


@pytest.mark.parametrize(
    "layers",
    [
        (SOURCE, "Interp reduce 1 1 x y 0=1 1=0.5 2=0.5"),
        (SOURCE, "Padding larger 1 1 x a 0=1 1=1 2=1 3=1 4=0", ENLARGE),
        (SOURCE, "Crop uneven 1 1 x y 0=1 1=1 3=-233 4=-233 5=-233 6=1 7=0"),
    ],
)
def test_output_without_an_equal_border_is_refused(layers: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="not the enlarged image without an equal border"):
        convert_ncnn(param(*layers), b"", adds_image=True)
