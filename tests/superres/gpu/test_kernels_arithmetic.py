"""The arithmetic of the kernels, compiled for the CPU by a C++ compiler, compared with NumPy."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from pipeline.colour.convert import from_rgb, to_rgb
from pipeline.colour.hdr_limit import limit_overshoot
from pipeline.colour.luma import to_luma, with_chroma
from pipeline.colour.quantize import BAYER
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat, PixelFormat, Siting
from pipeline.superres.tiling import Tiling, upscale_in_tiles
from pipeline.system.onnx_runtime import load_onnx_runtime
from tests.superres.colour_suite import MIXED
from tests.superres.oracle import FP16_TOLERANCE, largest_difference, oracle, saturated
from tests.superres.shims import AlphaShim, ColourShim, LimitShim, LumaShim, ReduceShim, TileShim, samples, spec

CASES = [
    (PIXEL_FORMATS[pixel], Colour(matrix, full, siting=siting), size)
    for pixel, matrix, full, siting, size in (
        ("yuv420p", 1, False, Siting.LEFT, (40, 24)),
        ("yuv420p", 5, True, Siting.CENTRE, (40, 24)),
        ("yuv420p", 9, False, Siting.TOP_LEFT, (33, 17)),
        ("nv12", 1, False, Siting.LEFT, (40, 24)),
        ("nv12", 6, True, Siting.LEFT, (33, 17)),
        ("yuv422p", 1, False, Siting.LEFT, (40, 24)),
        ("yuv444p", 1, False, Siting.LEFT, (33, 17)),
        ("gray", 1, False, Siting.LEFT, (33, 17)),
        ("yuv420p10le", 9, False, Siting.TOP_LEFT, (40, 24)),
        ("p010le", 9, False, Siting.LEFT, (40, 24)),
        ("yuv422p12le", 1, True, Siting.CENTRE, (33, 17)),
        ("yuv420p16le", 9, False, Siting.LEFT, (40, 24)),
        ("yuv422p16le", 1, False, Siting.LEFT, (33, 17)),
        ("yuv444p16le", 1, True, Siting.LEFT, (40, 24)),
        ("gray16le", 1, False, Siting.LEFT, (33, 17)),
        ("yuv420p", 1, False, Siting.TOP, (40, 24)),
        ("yuv420p", 1, False, Siting.BOTTOM_LEFT, (33, 17)),
        ("yuv420p", 5, True, Siting.BOTTOM_RIGHT, (40, 24)),
        ("yuv420p10le", 9, False, Siting.RIGHT, (34, 17)),
        ("yuv422p", 1, False, Siting.TOP_RIGHT, (33, 17)),
        ("yuv440p", 1, False, Siting.BOTTOM, (40, 24)),
        ("yuv440p12le", 1, True, Siting.TOP_LEFT, (33, 17)),
        ("yuva420p10le", 1, False, Siting.LEFT, (36, 17)),
        ("gbrap12le", 1, False, Siting.LEFT, (33, 17)),
        ("gbrp", 1, False, Siting.LEFT, (40, 24)),
        ("gbrp", 5, True, Siting.LEFT, (33, 17)),
        ("gbrp10le", 9, False, Siting.LEFT, (40, 24)),
        ("gbrp12le", 1, False, Siting.LEFT, (33, 17)),
        ("gbrp16le", 10, False, Siting.LEFT, (40, 24)),
    )
]


UNTOUCHED = 0xA5


def alpha_is_untouched(packed: NDArray[np.uint8], format: FrameFormat) -> bool:
    """Whether the alpha of a packed frame was not written."""
    return not format.pixel.alpha or bool((format.split(packed)[-1].view(np.uint8) == UNTOUCHED).all())


def without_alpha(planes: tuple[NDArray[Any], ...], format: FrameFormat) -> tuple[NDArray[Any], ...]:
    return planes[:-1] if format.pixel.alpha else planes


@pytest.mark.parametrize(("pixel", "colour", "size"), CASES, ids=lambda value: getattr(value, "name", None))
def test_colour_is_within_a_level_of_float64(
    tmp_path: Path, pixel: PixelFormat, colour: Colour, size: tuple[int, int]
) -> None:
    format = FrameFormat(*size, pixel, colour)
    shim = ColourShim(tmp_path, format)
    frame = saturated(format)
    rgb = shim.to_rgb(samples(frame))
    exact = np.empty((3, size[1], size[0]))
    to_rgb(frame.planes, format, exact)
    np.testing.assert_allclose(rgb, exact, atol=2e-6)
    converted = shim.from_rgb(rgb)
    assert alpha_is_untouched(converted, format)
    expected = without_alpha(oracle(frame, format), format)
    assert largest_difference(without_alpha(format.split(converted), format), expected, format.pixel.shift) <= 1


@pytest.mark.parametrize("pixel", ["gbrp", "gbrp10le", "gbrp12le", "gbrp16le", "yuv444p16le", "gray16le"])
@pytest.mark.parametrize("size", [(40, 24), (33, 17)], ids=["multiple of 4", "odd"])
def test_formats_without_chroma_filters_are_exact_in_fp32(tmp_path: Path, pixel: str, size: tuple[int, int]) -> None:
    format = FrameFormat(*size, PIXEL_FORMATS[pixel], Colour(1, False))
    shim = ColourShim(tmp_path, format)
    packed = samples(saturated(format))
    np.testing.assert_array_equal(shim.from_rgb(shim.to_rgb(packed)), packed)


@pytest.mark.parametrize(("source_name", "output_name"), MIXED, ids=str)
def test_rgb_and_yuv_convert_to_each_other_within_a_level_of_float64(
    tmp_path: Path, source_name: str, output_name: str
) -> None:
    format = FrameFormat(34, 18, PIXEL_FORMATS[source_name], Colour(9, False))
    output = FrameFormat(34, 18, PIXEL_FORMATS[output_name], Colour(1, True, siting=Siting.TOP_LEFT))
    frame = saturated(format)
    rgb = ColourShim(tmp_path / "first", format).to_rgb(samples(frame))
    converted = ColourShim(tmp_path / "last", output, dither=output.pixel.depth < format.pixel.depth).from_rgb(rgb)
    assert largest_difference(output.split(converted), oracle(frame, output), 0) <= 1


@pytest.mark.parametrize("pixel", ["yuv420p", "gbrp", "gbrp10le", "yuv420p12le", "yuv444p16le"])
def test_half_precision_is_within_a_level_of_float64_up_to_10_bits(tmp_path: Path, pixel: str) -> None:
    format = FrameFormat(40, 24, PIXEL_FORMATS[pixel], Colour(1, False))
    shim = ColourShim(tmp_path, format, np.float16)
    frame = saturated(format)
    levels = FP16_TOLERANCE.get(format.pixel.depth, 1)
    assert (
        largest_difference(format.split(shim.from_rgb(shim.to_rgb(samples(frame)))), oracle(frame, format), 0) <= levels
    )


class TestDither:
    RGB = np.random.default_rng(0).random((3, 17, 40)).astype(np.float32)

    @pytest.mark.parametrize("pixel", ["yuv420p", "nv12", "p010le", "yuv440p", "gbrp", "gray"])
    def test_dither_agrees_with_numpy(self, tmp_path: Path, pixel: str) -> None:
        format = FrameFormat(40, 17, PIXEL_FORMATS[pixel], Colour(1, False))
        converted = format.split(ColourShim(tmp_path, format, dither=True).from_rgb(self.RGB))
        expected = format.split(np.zeros(format.bytes, np.uint8))
        from_rgb(self.RGB, format, expected, dither=True)
        for a, b in zip(converted, expected, strict=True):
            assert (a != b).mean() < 0.005  # sums in another order may fall on the other side of a threshold

    def test_every_threshold_is_at_its_position_in_bayers_matrix(self, tmp_path: Path) -> None:
        format = FrameFormat(8, 8, PIXEL_FORMATS["gray"], Colour(1, True))
        shim = ColourShim(tmp_path, format, dither=True)
        grays = [np.full((3, 8, 8), k / 64 / 255, np.float32) for k in range(64)]
        passed = np.sum([shim.from_rgb(gray) for gray in grays], axis=0, dtype=int)
        np.testing.assert_array_equal(2 * passed.reshape(8, 8) - 63, 128 * BAYER)


@pytest.mark.parametrize(
    ("source_name", "output_name", "scale", "size"),
    [
        ("yuva420p", "yuva420p", 2, (20, 12)),
        ("yuva444p10le", "yuva444p12le", 3, (11, 7)),
        ("gbrap16le", "yuva420p", 4, (11, 7)),
        ("gbrap", "gbrap16le", 1, (20, 12)),
        ("yuva422p16le", "yuva422p10le", 2, (20, 12)),
        ("yuv420p", "yuva420p10le", 2, (11, 7)),
    ],
)
def test_alpha_is_within_a_level_of_float64_and_no_other_plane_is_written(
    tmp_path: Path, source_name: str, output_name: str, scale: int, size: tuple[int, int]
) -> None:
    source = FrameFormat(*size, PIXEL_FORMATS[source_name], Colour(1, False))
    output = replace(source, pixel=PIXEL_FORMATS[output_name]).enlarged(scale)
    frame = saturated(source)
    *colour, converted = output.split(AlphaShim(tmp_path, source, output)(samples(frame)))
    assert all((plane.view(np.uint8) == UNTOUCHED).all() for plane in colour)
    assert largest_difference((converted,), oracle(frame, output, scale)[-1:], 0) <= (source.pixel.alpha and scale > 1)


@pytest.mark.parametrize(
    ("pixel", "colour", "size", "scale"),
    [
        ("yuv420p", Colour(1, False), (20, 12), 2),
        ("yuv420p", Colour(9, True, siting=Siting.BOTTOM_RIGHT), (33, 17), 3),
        ("yuv420p", Colour(1, False), (33, 17), 1),
        ("nv12", Colour(6, False, siting=Siting.CENTRE), (33, 17), 2),
        ("p010le", Colour(9, False, siting=Siting.TOP_LEFT), (20, 12), 4),
        ("yuva422p12le", Colour(1, False), (21, 12), 2),
        ("yuv440p", Colour(1, False), (20, 13), 3),
        ("yuv444p16le", Colour(1, True), (20, 12), 1),
        ("gray10le", Colour(1, False), (21, 11), 2),
        ("gbrp", Colour(1, False), (20, 12), 2),
        ("gbrap12le", Colour(9, False), (21, 11), 3),
    ],
    ids=lambda value: str(getattr(value, "siting", value)),
)
def test_luma_and_resampled_chroma_agree_with_float64(
    tmp_path: Path, pixel: str, colour: Colour, size: tuple[int, int], scale: int
) -> None:
    format = FrameFormat(*size, PIXEL_FORMATS[pixel], colour)
    frame = saturated(format)
    shim = LumaShim(tmp_path, format, scale)
    luma, exact = shim.to_luma(samples(frame)), np.empty((1, size[1], size[0]))
    to_luma(frame.planes, format, exact)
    np.testing.assert_allclose(luma, exact, atol=2e-6)
    large = luma.repeat(scale, axis=1).repeat(scale, axis=2)
    rgb = np.empty((3, *large.shape[1:]))
    with_chroma(large.astype(np.float64), frame.planes, format, rgb)
    np.testing.assert_allclose(shim.with_chroma(large, samples(frame)), rgb, atol=5e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(("size", "scale", "order"), [((20, 12), 2, "rgb"), ((33, 17), 3, "y"), ((1, 5), 1, "rgb")])
def test_the_overshoot_limiter_agrees_with_numpy(
    tmp_path: Path, size: tuple[int, int], scale: int, order: str, dtype: type[np.floating]
) -> None:
    format, model = FrameFormat(*size, PIXEL_FORMATS["yuv420p10le"], Colour(9, False)), spec(dtype, scale, order)
    random = np.random.default_rng(0)
    source = random.random((model.channels, size[1], size[0])).astype(dtype)
    converted = random.uniform(-1, 2, (model.channels, scale * size[1], scale * size[0])).astype(dtype)
    expected = converted.copy()
    limit_overshoot(expected, source)
    LimitShim(tmp_path, format, model)(source, converted)
    np.testing.assert_array_equal(converted, expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(
    ("tiling", "scale"),
    [
        (Tiling(70, 50, 32, 24, margin=3, ramp=4), 2),
        (Tiling(71, 53, 32, 20, margin=4, ramp=3), 3),
        (Tiling(71, 53, 16, 53, margin=5), 1),
        (Tiling(33, 90, 33, 22, ramp=9), 4),
        (Tiling(40, 30, 40, 30), 2),
        (Tiling(40, 30, 64, 16, margin=2, ramp=2), 2),
        (Tiling(3, 1, 8, 8), 3),
    ],
    ids=str,
)
def test_cutting_and_pasting_tiles_agrees_with_numpy(
    tmp_path: Path, tiling: Tiling, scale: int, dtype: type[np.floating]
) -> None:
    rgb = np.random.default_rng(0).random((3, tiling.height, tiling.width)).astype(dtype)

    def run(tile: NDArray[Any]) -> NDArray[Any]:
        """A network whose tiles disagree: each is offset by its own first pixel, and all of its pixels differ."""
        enlarged = tile.repeat(scale, 2).repeat(scale, 3) + tile[0, 0, 0, 0]
        ramp = np.linspace(0.5, 1, enlarged[0, 0].size, dtype=dtype).reshape(enlarged.shape[2:])
        return np.asarray(enlarged * ramp)

    pasted = TileShim(tmp_path, tiling, spec(dtype, scale)).upscale(run, rgb)
    # A compiler may fuse multiplication and addition.
    np.testing.assert_array_max_ulp(pasted, upscale_in_tiles(run, rgb, scale, tiling), maxulp=1)


def test_a_tile_is_cut_at_its_position(tmp_path: Path) -> None:
    tiling = Tiling(41, 31, 16, 12, margin=1, ramp=2)
    rgb = np.arange(3 * 31 * 41, dtype=np.float32).reshape(3, 31, 41)
    shim = TileShim(tmp_path, tiling, spec(np.float32))
    for tile in tiling.tiles:
        expected = rgb[:, tile.y : tile.y + 12, tile.x : tile.x + 16]
        np.testing.assert_array_equal(shim.cut(rgb, tile), expected)


@pytest.mark.parametrize("factor", [Fraction(1, 2), Fraction(3, 4), Fraction(1, 4), Fraction(2, 3)])
@pytest.mark.parametrize("size", [(12, 24), (36, 60)])
def test_a_reduction_agrees_with_resize_of_onnx_runtime(
    tmp_path: Path, size: tuple[int, int], factor: Fraction
) -> None:
    tensor = np.random.default_rng(0).random((3, *size)).astype(np.float16)
    expected = resized(tensor, factor)
    reduced = ReduceShim(tmp_path, (3, *size), factor)(tensor)
    assert reduced.shape == expected.shape
    np.testing.assert_allclose(reduced, expected, atol=1e-3)


def resized(tensor: NDArray[Any], factor: Fraction) -> NDArray[Any]:
    """`tensor`, (C, H, W), reduced by ONNX Runtime in fp32."""
    scales = onnx.numpy_helper.from_array(np.array([1, 1, factor, factor], np.float32), "scales")
    node = onnx.helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="cubic")
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, None, None]) for name in "xy"]
    graph = onnx.helper.make_graph([node], "resize", ends[:1], ends[1:], [scales])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    session = load_onnx_runtime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": tensor[None].astype(np.float32)})[0][0])
