"""Generated networks."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from pipeline.models import synthetic


def run(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"input": image})[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("channels", [1, 3])
def test_identity_returns_its_input(dtype: type[np.floating], channels: int) -> None:
    image = np.random.default_rng(0).random((1, channels, 5, 7)).astype(dtype)
    np.testing.assert_array_equal(run(synthetic.identity(dtype, channels), image), image)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_nearest_repeats_each_pixel(scale: int, channels: int) -> None:
    image = np.random.default_rng(0).random((1, channels, 5, 7), np.float32)
    expected = image.repeat(scale, axis=2).repeat(scale, axis=3)
    np.testing.assert_array_equal(run(synthetic.nearest(np.float32, scale, channels), image), expected)


def test_span_has_three_convolutions_a_block_and_the_same_weights_each_time() -> None:
    model = synthetic.span(8, 2, np.float32)
    kinds = [node.op_type for node in model.graph.node]
    assert (kinds.count("Conv"), kinds.count("Concat")) == (1 + 2 * 3 + 1 + 1 + 1, 1)
    assert model == synthetic.span(8, 2, np.float32)


def test_span_of_full_depth_neither_fades_nor_overflows() -> None:
    image = np.random.default_rng(0).random((1, 3, 24, 32), np.float32)
    output = run(synthetic.span(48, 6, np.float32), image)
    assert output.shape == (1, 3, 48, 64)
    assert 0.05 < output.std() < 1


def test_srvgg_has_the_requested_layers_and_the_same_weights_each_time() -> None:
    model = synthetic.srvgg(8, 3, np.float32)
    assert [node.op_type for node in model.graph.node].count("Conv") == 5
    assert model == synthetic.srvgg(8, 3, np.float32)
