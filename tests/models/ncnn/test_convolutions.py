"""Convolutions, deconvolutions and inner products, against the same sums in NumPy."""

import numpy as np
import pytest

from pipeline.errors import ModelError
from tests.models.ncnn.networks import Array, convolved, plain, random, run, run_layer, spread, tagged, tagged16


def padded(image: Array, top: int, left: int, bottom: int, right: int) -> Array:
    return np.pad(image, ((0, 0), (top, bottom), (left, right)))


def test_convolution_sums_weights_bias_and_zeros_beyond_the_edges() -> None:
    image, weight, bias = random(3, 9, 12), random(5, 3, 3, 3, seed=1), random(5, seed=2)
    output = run_layer("Convolution 0=5 1=3 4=1 5=1 6=135", tagged(weight) + plain(bias), image)
    np.testing.assert_allclose(output, convolved(padded(image, 1, 1, 1, 1), weight, bias, (1, 1), (1, 1)), atol=1e-5)


def test_convolution_weights_of_float16_are_used_exactly() -> None:
    image, weight = random(3, 6, 6), random(3, 3, 3, 3, seed=1).astype(np.float16)
    output = run_layer("Convolution 0=3 1=3 6=81", tagged16(weight), image)
    expected = convolved(image, weight.astype(np.float32), np.zeros(3), (1, 1), (1, 1))
    np.testing.assert_allclose(output, expected, atol=1e-5)


def test_convolution_has_sizes_strides_dilations_and_pads_of_both_axes() -> None:
    image, weight = random(2, 13, 17), random(4, 2, 5, 3, seed=1)
    layer = "Convolution 0=4 1=3 11=5 2=2 12=1 3=1 13=2 4=1 14=2 15=3 16=0 6=120"
    expected = convolved(padded(image, 2, 1, 0, 3), weight, np.zeros(4), (2, 1), (1, 2))
    np.testing.assert_allclose(run_layer(layer, tagged(weight), image), expected, atol=1e-5)


@pytest.mark.parametrize(("pad", "before", "after"), [(-233, 0, 1), (-234, 1, 0)])
def test_padding_same_adds_the_odd_pixel_at_one_side(pad: int, before: int, after: int) -> None:
    image, weight = random(3, 8, 8), random(3, 3, 2, 2, seed=1)
    output = run_layer(f"Convolution 0=3 1=2 4={pad} 6=36", tagged(weight), image)
    expected = convolved(padded(image, before, before, after, after), weight, np.zeros(3), (1, 1), (1, 1))
    np.testing.assert_allclose(output, expected, atol=1e-5)


def test_depthwise_convolution_reads_only_its_group() -> None:
    image, weight = random(4, 7, 7), random(6, 2, 3, 3, seed=1)
    output = run_layer("ConvolutionDepthWise 0=6 1=3 6=108 7=2", tagged(weight), image)
    halves = [
        convolved(image[2 * g : 2 * g + 2], weight[3 * g : 3 * g + 3], np.zeros(3), (1, 1), (1, 1)) for g in (0, 1)
    ]
    np.testing.assert_allclose(output, np.concatenate(halves), atol=1e-5)


def test_deconvolution_spreads_each_pixel_and_crops_the_pads() -> None:
    image, weight, bias = random(6, 5, 7), random(3, 6, 4, 4, seed=1), random(3, seed=2)
    output = run_layer("Deconvolution 0=3 1=4 3=2 4=3 5=1 6=288", tagged(weight) + plain(bias), image)
    np.testing.assert_allclose(output, spread(image, weight, bias, 2)[:, 3:-3, 3:-3], atol=1e-5)


def test_deconvolution_adds_the_pads_of_its_output() -> None:
    image, weight = random(2, 5, 7), random(3, 2, 3, 3, seed=1)
    output = run_layer("Deconvolution 0=3 1=3 3=2 4=1 18=1 6=54", tagged(weight), image)
    np.testing.assert_allclose(output, spread(image, weight, np.zeros(3), 2)[:, 1:, 1:], atol=1e-5)
    assert output.shape == (3, 10, 14)


def test_depthwise_deconvolution_reads_only_its_group() -> None:
    image, weight = random(4, 5, 5), random(2, 2, 2, 2, seed=1)
    output = run_layer("DeconvolutionDepthWise 0=2 1=2 3=2 6=16 7=2", tagged(weight), image)
    halves = [spread(image[2 * g : 2 * g + 2], weight[g : g + 1], np.zeros(1), 2) for g in (0, 1)]
    np.testing.assert_allclose(output, np.concatenate(halves), atol=1e-5)


def test_inner_product_of_a_vector_is_broadcast_over_the_image() -> None:
    image, weight, bias = random(4, 5, 6), random(4, 4, seed=1), random(4, seed=2)
    layers = [
        "Input image 0 1 x 2=4",
        "Split copies 1 2 x a b",
        "Pooling mean 1 1 a c 0=1 4=1",
        "InnerProduct tested 1 1 c d 0=4 1=1 2=16 9=4",
        "BinaryOp gate 2 1 b d y 0=2",
    ]
    gate = 1 / (1 + np.exp(-(weight @ image.mean((1, 2)) + bias)))
    output = run(layers, tagged(weight) + plain(bias), image)
    np.testing.assert_allclose(output, image * gate[:, None, None], atol=1e-5)


def test_first_convolution_states_the_channels_of_the_image() -> None:
    layers = ["Input image 0 1 x", "Convolution tested 1 1 x y 0=1 1=1 6=1"]
    assert run(layers, tagged(np.ones(1)), random(1, 4, 4)).shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("Convolution 0=4 1=3 6=100", "100 weights do not suit 4 outputs of 3x3 in 1 groups"),
        ("Convolution 0=0 1=3 6=108", "108 weights do not suit 0 outputs"),
        ("ConvolutionDepthWise 0=4 1=3 6=108 7=3", "in 3 groups"),
        ("Convolution 0=4 1=0 6=108", "its kernel of 0x0 has no valid size"),
        ("Convolution 0=4 1=3 4=-1 6=108", "no valid size, stride or padding"),
        ("Convolution 0=4 1=3 6=72", "its weights are for 2 channels, but it reads 3"),
        ("Convolution 0=4 1=3 6=108 18=1.5", "padding with the value 1.5"),
        ("Convolution 0=4 1=3 6=108 8=1", "int8_scale_term 1 is not supported, only 0"),
        ("Convolution 0=4 1=3 6=108 19=1", "dynamic_weight 1 is not supported"),
        ("Convolution 0=4 1=3 6=108 9=7", "activation 7"),
        ("Convolution 0=4 1=3 6=108 9=2", r"activation 2 with parameters \(\)"),
        ("Deconvolution 0=4 1=3 6=108 20=64", "an output of a fixed size"),
        ("Deconvolution 0=4 1=3 6=108 28=1", "dynamic_weight 1"),
        ("InnerProduct 0=4 2=12", "an inner product with a complete image"),
    ],
)
def test_impossible_or_unsupported_parameters_are_named(layer: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as raised:
        run_layer(layer, tagged(random(108)), random(3, 8, 8))
    assert str(raised.value).startswith(f"layer {layer.split()[0]} 'tested': ")
