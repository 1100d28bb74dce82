"""Layers that change the shape of a tensor, against NumPy."""

import numpy as np
import pytest

from pipeline.errors import ModelError
from tests.models.ncnn.networks import Array, plain, random, run, run_layer, run_layer_on_two, tagged

IMAGE = random(4, 6, 8)
A = -0.75  # of ncnn's bicubic kernel


def taps(position: float, length: int, mode: str) -> Array:
    """Weights of the pixels of an axis at a position between them; pixels beyond the edges are those at the edges."""
    weights = np.zeros(length)
    first, offsets = int(np.floor(position)), range(-1, 3)
    for offset in offsets:
        distance = abs(position - (first + offset))
        if mode == "linear":
            weight = max(0.0, 1 - distance)
        elif distance < 1:
            weight = (A + 2) * distance**3 - (A + 3) * distance**2 + 1
        else:
            weight = A * distance**3 - 5 * A * distance**2 + 8 * A * distance - 4 * A if distance < 2 else 0.0
        weights[min(max(first + offset, 0), length - 1)] += weight
    return weights


def resampled(image: Array, factor: float, mode: str) -> Array:
    matrices = [
        np.stack([taps((i + 0.5) / factor - 0.5, length, mode) for i in range(int(length * factor))])
        for length in image.shape[1:]
    ]
    return np.asarray(np.einsum("yh,chw,xw->cyx", matrices[0], image, matrices[1]))


def test_nearest_interp_repeats_pixels_of_each_axis() -> None:
    output = run_layer("Interp 0=1 1=2 2=3", b"", IMAGE)
    np.testing.assert_array_equal(output, IMAGE.repeat(2, 1).repeat(3, 2))


@pytest.mark.parametrize(("code", "mode"), [(2, "linear"), (3, "cubic")])
@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_interp_samples_at_pixel_centres_without_antialiasing(code: int, mode: str, factor: float) -> None:
    output = run_layer(f"Interp 0={code} 1={factor} 2={factor}", b"", IMAGE)
    np.testing.assert_allclose(output, resampled(IMAGE, factor, mode), atol=1e-5)


def test_interp_with_aligned_corners_keeps_the_corners() -> None:
    output = run_layer("Interp 0=2 1=2 2=2 6=1", b"", IMAGE)
    np.testing.assert_allclose(output[:, ::11, ::15], IMAGE[:, ::5, ::7], atol=1e-5)


def test_interp_to_the_size_of_a_tensor_uses_the_ratio() -> None:
    layers = [
        "Input image 0 1 x 2=4",
        "Split copies 1 2 x a b",
        "PixelShuffle larger 1 1 a c 0=2",
        "Interp tested 2 1 b c d 0=1",
        "Split copies2 1 2 d e f",
        "BinaryOp sum 2 1 e f y",
    ]
    with pytest.raises(ModelError, match="2 outputs"):  # c is read by Interp alone, for its size
        run([*layers[:4], "Interp other 1 1 d z 0=1", "Noop more 1 1 d w"], b"", IMAGE)
    np.testing.assert_allclose(run(layers, b"", IMAGE), 2 * IMAGE.repeat(2, 1).repeat(2, 2))


@pytest.mark.parametrize("mode", [0, 1])
def test_pixel_shuffle_has_both_orders_of_channels(mode: int) -> None:
    image = random(8, 3, 5)
    parts = image.reshape(2, 2, 2, 3, 5) if mode == 0 else image.reshape(2, 2, 2, 3, 5).transpose(2, 0, 1, 3, 4)
    expected = parts.transpose(0, 3, 1, 4, 2).reshape(2, 6, 10)
    np.testing.assert_array_equal(run_layer(f"PixelShuffle 0=2 1={mode}", b"", image), expected)


@pytest.mark.parametrize("mode", [0, 1])
def test_reorg_is_the_inverse_of_a_pixel_shuffle(mode: int) -> None:
    layers = [
        "Input image 0 1 x 2=4",
        f"Reorg tested 1 1 x a 0=2 1={mode}",
        f"PixelShuffle inverse 1 1 a y 0=2 1={mode}",
    ]
    np.testing.assert_array_equal(run(layers, b"", IMAGE), IMAGE)


@pytest.mark.parametrize(("kind", "reduce"), [(0, np.max), (1, np.mean)])
def test_pooling_reduces_windows(kind: int, reduce: object) -> None:
    assert callable(reduce)
    output = run_layer(f"Pooling 0={kind} 1=2 2=2 5=1", b"", IMAGE)
    windows = IMAGE.reshape(4, 3, 2, 4, 2)
    np.testing.assert_allclose(output, reduce(windows, axis=(2, 4)), atol=1e-6)


@pytest.mark.parametrize(("mode", "columns"), [(0, 4), (1, 3)])
def test_pooling_has_a_partial_window_at_the_end_in_full_mode(mode: int, columns: int) -> None:
    image = random(4, 7, 7)
    output = run_layer(f"Pooling 0=0 1=2 2=2 5={mode}", b"", image)
    assert output.shape == (4, columns, columns)
    if mode == 0:
        assert (output[:, -1, -1] == image[:, -1, -1]).all()


@pytest.mark.parametrize(("include", "count"), [(0, 4), (1, 9)])
def test_mean_of_a_window_at_the_corner_counts_padding_if_requested(include: int, count: int) -> None:
    output = run_layer(f"Pooling 0=1 1=3 2=1 3=1 5=1 6={include}", b"", IMAGE)
    np.testing.assert_allclose(output[:, 0, 0], IMAGE[:, :2, :2].sum((1, 2)) / count, atol=1e-6)


@pytest.mark.parametrize("layer", ["Pooling 0=0 4=1", "Pooling 0=0 7=1 8=1"])
def test_global_pooling_gives_a_vector_that_reshapes_to_an_image(layer: str) -> None:
    kind, *parameters = layer.split()
    layers = [
        "Input image 0 1 x 2=4",
        "Split copies 1 2 x a b",
        f"{kind} tested 1 1 a c {' '.join(parameters)}",
        "Reshape pixel 1 1 c d 0=1 1=1 2=4",
        "Flatten vector 1 1 d e",
        "BinaryOp product 2 1 b e y 0=2",
    ]
    np.testing.assert_allclose(run(layers, b"", IMAGE), IMAGE * IMAGE.max((1, 2), keepdims=True), rtol=1e-5)


@pytest.mark.parametrize(("code", "mode"), [(1, "edge"), (2, "reflect")])
def test_padding_continues_the_image(code: int, mode: str) -> None:
    output = run_layer(f"Padding 0=1 1=2 2=3 3=0 4={code}", b"", IMAGE)
    np.testing.assert_array_equal(output, np.pad(IMAGE, ((0, 0), (1, 2), (3, 0)), mode=mode))  # type: ignore[call-overload]


def test_padding_with_a_constant_has_its_value() -> None:
    output = run_layer("Padding 0=1 1=1 2=1 3=1 4=0 5=0.5", b"", IMAGE)
    np.testing.assert_array_equal(output, np.pad(IMAGE, ((0, 0), (1, 1), (1, 1)), constant_values=0.5))


def test_concat_and_slice_join_and_part_channels() -> None:
    layers = [
        "Input image 0 1 x 2=4",
        "Slice parts 1 2 x a b -23300=2,1,-233",
        "Concat joined 2 1 b a y 0=0",
    ]
    np.testing.assert_array_equal(run(layers, b"", IMAGE), IMAGE[[1, 2, 3, 0]])


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("Crop -23309=2,1,2 -23310=2,-1,-2 -23311=2,-2,-1", IMAGE[:, 1:-1, 2:-2]),
        ("Crop -23309=1,2 -23310=1,-233 -23311=1,2", IMAGE[:, :, 2:]),
        ("Crop -23309=3,1,0,0 -23310=3,3,0,-1", IMAGE[1:3, :, :-1]),
        ("Crop 0=2 1=1 3=-233 4=-233 5=-233 6=2 7=1", IMAGE[:, 1:-1, 2:-2]),
    ],
)
def test_crop_removes_margins_and_channels(layer: str, expected: Array) -> None:
    np.testing.assert_array_equal(run_layer(layer, b"", IMAGE), expected)


def test_crop_to_the_size_of_a_tensor_removes_the_rest() -> None:
    layers = [
        "Input image 0 1 x 2=4",
        "Split copies 1 2 x a b",
        "Convolution valid 1 1 a c 0=4 1=3 6=144",
        "Split copies2 1 2 c d e",
        "Crop tested 2 1 b d f 0=2 1=0",
        "BinaryOp sum 2 1 e f y",
    ]
    output = run(layers, tagged(np.zeros(144)), IMAGE)
    np.testing.assert_array_equal(output, IMAGE[:, :-2, 2:])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("Interp 0=2 3=64 4=64", "scaling to a fixed size is not supported, only by a factor"),
        ("Interp 0=4 1=2 2=2", "resize_type 4 is not supported"),
        ("Interp 0=1 1=0 2=0", "a factor of 0 "),
        ("Interp 0=1 1=999 2=999", "only up to 64"),
        ("PixelShuffle 0=3", "a pixel shuffle of 4 channels by 3"),
        ("Reorg 0=99", "a stride of 99"),
        ("Pooling 0=0 7=1 8=3", "adaptive pooling to more than one pixel"),
        ("Pooling 0=0 1=2 2=2 5=2", "pad_mode 2"),
        ("Padding 0=-1", "padding of"),
        ("Concat 0=1", "axis 1 is not supported"),
        ("Slice -23300=2,2,2", "2 parts for 1 outputs"),
        ("Reshape 0=8 1=6 2=4", "another shape is not supported"),
        ("Crop 0=1 1=1 3=16 4=16 5=4", "an output of a fixed size"),
        ("Crop -23309=1,-3 -23310=1,-1 -23311=1,1", "a crop from -3 to -1"),
        ("Crop -23309=1,1 -23310=2,3,4", "do not fit together"),
        ("Crop -23309=1,4 -23310=1,0 -23311=1,0", "channels 4 to 0 of 4"),
    ],
)
def test_unsupported_shapes_are_named(layer: str, message: str) -> None:
    with pytest.raises(ModelError, match=f"^layer {layer.split()[0]} 'tested': .*{message}") as raised:
        run_layer(layer, b"", IMAGE)
    assert "\n" not in str(raised.value)


def test_tensors_of_different_sizes_are_not_joined() -> None:
    layers = [
        "Input image 0 1 x 2=4",
        "Split copies 1 2 x a b",
        "PixelShuffle larger 1 1 a c 0=2",
        "Concat tested 2 1 b c y",
    ]
    with pytest.raises(ModelError, match="its inputs differ in size"):
        run(layers, b"", IMAGE)


def test_crop_to_a_larger_tensor_is_refused() -> None:
    with pytest.raises(ModelError, match="does not fit into it"):
        run_layer_on_two("Crop 0=2 1=2", IMAGE, IMAGE)


def test_weights_are_read_in_the_order_of_the_layers() -> None:
    layers = ["Input image 0 1 x 2=4", "Scale one 1 1 x a 0=4", "PReLU two 1 1 a y 0=1"]
    factors = random(4, seed=1)
    scaled = IMAGE * factors[:, None, None]
    output = run(layers, plain(factors, np.array([0.5])), IMAGE)
    np.testing.assert_allclose(output, np.where(scaled > 0, scaled, 0.5 * scaled), atol=1e-6)
