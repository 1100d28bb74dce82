"""Conversion of complete networks: damaged files, several inputs, and the same output as ncnn itself."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ModelError
from pipeline.models.ncnn.converter import SUPPORTED_LAYERS, convert_ncnn
from tests.models.ncnn.networks import Array, param, plain, random, refusal, run, tagged, tagged16

NETWORK = (
    "Input image 0 1 data",
    "Split copies 1 2 data data_0 data_1",
    "Convolution first 1 1 data_0 a 0=8 1=3 4=1 5=1 6=216",
    "PReLU slopes 1 1 a b 0=8",
    "Convolution last 1 1 b c 0=12 1=3 4=1 5=1 6=864",
    "PixelShuffle shuffle 1 1 c d 0=2",
    "Interp larger 1 1 data_1 e 0=1 1=2.0 2=2.0",
    "BinaryOp sum 2 1 d e output",
)
WEIGHTS = b"".join(
    [
        tagged16(random(216) / 5),
        plain(random(8, seed=1), random(8, seed=2)),
        tagged(random(864, seed=3) / 8),
        plain(random(12, seed=4)),
    ]
)


def test_network_becomes_a_model_for_images_of_any_size() -> None:
    model = convert_ncnn(param(*NETWORK), WEIGHTS)
    onnx.checker.check_model(model, full_check=True)
    (source,), (target,) = model.graph.input, model.graph.output
    assert [d.dim_value or d.dim_param for d in source.type.tensor_type.shape.dim] == [1, 3, "height", "width"]
    assert target.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    for height, width in ((5, 8), (16, 3)):
        assert run(NETWORK, WEIGHTS, random(3, height, width)).shape == (3, 2 * height, 2 * width)


def test_conversion_is_the_same_each_time() -> None:
    assert convert_ncnn(param(*NETWORK), WEIGHTS) == convert_ncnn(param(*NETWORK), WEIGHTS)


@given(st.integers(0, len(WEIGHTS) - 1))
def test_weights_cut_off_anywhere_are_refused_in_one_line(length: int) -> None:
    with pytest.raises(ModelError, match="fewer than the layers need: cut off") as raised:
        convert_ncnn(param(*NETWORK), WEIGHTS[:length])
    assert "\n" not in str(raised.value)


@given(st.integers(0, len(WEIGHTS) - 1), st.integers(1, 255))
def test_damaged_weights_are_converted_or_refused_in_one_line(position: int, change: int) -> None:
    damaged = bytearray(WEIGHTS)
    damaged[position] ^= change
    assert "\n" not in refusal(param(*NETWORK), bytes(damaged))


@given(st.integers(0, len(param(*NETWORK)) - 1), st.sampled_from(b" 0123456789-.,=\nabcN"))
def test_damaged_graphs_are_converted_or_refused_in_one_line(position: int, character: int) -> None:
    damaged = bytearray(param(*NETWORK))
    damaged[position] = character
    assert "\n" not in refusal(bytes(damaged), WEIGHTS)


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ModelError, match="16 bytes follow the last layer's weights"):
        convert_ncnn(param(*NETWORK), WEIGHTS + bytes(16))


def test_unknown_layers_are_named_with_what_is_supported() -> None:
    layers = [*NETWORK[:-1], "MultiHeadAttention attention 2 1 d e f", "GridSample warp 1 1 f y"]
    with pytest.raises(
        ModelError, match="ncnn layers GridSample, MultiHeadAttention are not supported, only "
    ) as raised:
        convert_ncnn(param(*layers), WEIGHTS)
    assert "Convolution, ConvolutionDepthWise" in str(raised.value)
    assert str(raised.value).endswith("; export the network as ONNX instead")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["Input a 0 1 x 2=3", "Input b 0 1 y 2=3", "BinaryOp s 2 1 x y z"], "layer Input 'b': a second input"),
        (["Input a 0 1 x 2=3", "Split s 1 2 x y z"], r"2 outputs \(y, z\)"),
        (["MemoryData m 0 1 x 0=1 1=1 2=3"], "no layer Input"),
        (["Input a 0 1 x 2=3", "ReLU r 1 1 y z"], "reads 'y', which no layer before it writes"),
        (["Input a 0 1 x 2=3", "ReLU r 1 1 x x"], "writes 'x', which another layer wrote"),
        (["Input a 0 1 x 2=3", "ReLU r 2 1 x x y"], "2 inputs are not supported"),
        (["Input a 0 1 x 2=3", "ReLU r 1 2 x y z"], "2 outputs are not supported"),
        (["Input a 0 1 x 2=3", "Concat r 0 1 y"], "has 0 inputs, fewer than 1"),
        (["Input a 0 2 x y 2=3"], "2 outputs are not supported"),
        (["Input a 0 1 x 2=3", "Pooling p 1 1 x y 4=1"], "its output is a vector, not an image"),
    ],
)
def test_graphs_that_are_no_upscaler_are_refused(layers: list[str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        convert_ncnn(param(*layers), plain(random(3)) if "MemoryData" in layers[0] else b"")


def test_supported_layers_are_listed_once_in_order() -> None:
    assert list(SUPPORTED_LAYERS) == sorted(set(SUPPORTED_LAYERS))


def ncnn_output(layers: tuple[str, ...], weights: bytes, image: Array, folder: str) -> Array:
    """The output of ncnn's own runtime, without reduced precision."""
    ncnn = pytest.importorskip("ncnn")
    for suffix, content in (("param", param(*layers)), ("bin", weights)):
        with open(f"{folder}/network.{suffix}", "wb") as file:
            file.write(content)
    network = ncnn.Net()
    for option in ("use_vulkan_compute", "use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
        setattr(network.opt, option, False)
    assert network.load_param(f"{folder}/network.param") == 0
    assert network.load_model(f"{folder}/network.bin") == 0
    extractor = network.create_extractor()
    extractor.input(network.input_names()[0], ncnn.Mat(np.ascontiguousarray(image)).clone())
    _, output = extractor.extract(network.output_names()[-1])
    return np.array(output)


X = "Input image 0 1 x 2=4"
SAME_AS_NCNN: list[tuple[str, tuple[str, ...], bytes]] = [
    ("upscaler", NETWORK, WEIGHTS),
    ("same", (X, "Convolution c 1 1 x y 0=4 1=3 3=2 4=-233 6=144"), tagged(random(144))),
    ("deconvolution", (X, "Deconvolution c 1 1 x y 0=2 1=4 3=2 4=1 18=1 6=128"), tagged(random(128))),
    ("deconvolution_groups", (X, "DeconvolutionDepthWise c 1 1 x y 0=4 1=3 3=2 6=72 7=2"), tagged(random(72))),
    ("linear", (X, "Interp i 1 1 x y 0=2 1=2.0 2=2.0"), b""),
    ("cubic", (X, "Interp i 1 1 x y 0=3 1=0.5 2=0.5"), b""),
    ("aligned", (X, "Interp i 1 1 x y 0=2 1=2.0 2=2.0 6=1"), b""),
    ("full_pooling", (X, "Pooling p 1 1 x y 0=1 1=3 2=2 3=1"), b""),
    ("mean_pooling", (X, "Pooling p 1 1 x y 0=1 1=3 2=1 3=1 5=1 6=1"), b""),
    ("shuffle", (X, "PixelShuffle p 1 1 x y 0=2 1=1"), b""),
    ("reorg", (X, "Reorg p 1 1 x y 0=2"), b""),
    ("reorg_first", (X, "Reorg p 1 1 x y 0=2 1=1"), b""),
    ("crop", (X, "Crop c 1 1 x y -23309=2,1,2 -23310=2,-1,-2 -23311=2,-2,-1"), b""),
    ("crop_channels", (X, "Crop c 1 1 x y -23309=2,1,0 -23310=2,3,-1 -23311=2,0,2"), b""),
    ("margins", (X, "Crop c 1 1 x y 0=2 1=1 3=-233 4=-233 5=-233 6=2 7=1"), b""),
    ("reflect", (X, "Padding p 1 1 x y 0=1 1=2 2=3 3=0 4=2"), b""),
    ("slice", (X, "Slice s 1 2 x a b -23300=2,1,-233", "Concat c 2 1 b a y"), b""),
    ("gelu", (X, "GELU g 1 1 x y"), b""),
    ("elu", (X, "ELU g 1 1 x y 0=0.3"), b""),
    ("hard_swish", (X, "HardSwish g 1 1 x y"), b""),
    ("mish", (X, "Mish g 1 1 x y"), b""),
    ("reversed", (X, "BinaryOp b 1 1 x y 0=7 1=1 2=0.25"), b""),
    ("square", (X, "UnaryOp b 1 1 x y 0=4"), b""),
    ("batch_norm", (X, "BatchNorm b 1 1 x y 0=4 1=0.01"), plain(*(random(4, seed=s) + 2 for s in range(4)))),
]


@pytest.mark.parametrize(("layers", "weights"), [row[1:] for row in SAME_AS_NCNN], ids=[row[0] for row in SAME_AS_NCNN])
def test_output_is_that_of_ncnn_itself(
    layers: tuple[str, ...], weights: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    image = random(3 if layers is NETWORK else 4, 10, 12, seed=9)
    expected = ncnn_output(layers, weights, image, str(tmp_path_factory.mktemp("ncnn")))
    np.testing.assert_allclose(run(layers, weights, image), expected, atol=2e-5)
