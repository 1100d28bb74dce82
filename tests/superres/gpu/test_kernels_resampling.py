"""The arithmetic of the kernels that resample, blend and adapt tensors, compiled for the CPU, compared with NumPy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.colour.resample import blend_with_source, resampled
from pipeline.config.target_fields import Size
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from tests.superres.oracle import largest_difference, oracle, saturated
from tests.superres.shims import AdaptShim, AlphaShim, BlendShim, ResampleShim, samples, spec

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("given_size", "made"),
    [
        ((72, 36), (54, 26)),
        ((36, 18), (72, 36)),
        ((33, 17), (50, 13)),
        ((64, 48), (3, 5)),
        ((5, 3), (64, 48)),
        ((20, 10), (20, 30)),
        ((40, 30), (20, 10)),
        ((1, 1), (4, 4)),
    ],
    ids=str,
)
def test_resampling_is_that_of_float64(tmp_path: Path, given_size: Size, made: Size) -> None:
    tensor = RNG.random((3, *given_size[::-1]), np.float32)
    exact = resampled(tensor.astype(np.float64), *made[::-1])
    np.testing.assert_allclose(ResampleShim(tmp_path, given_size, made)(tensor), exact, atol=3e-6)


@settings(max_examples=10, deadline=None)
@given(sides=st.tuples(*[st.integers(1, 70)] * 4))
def test_any_size_is_resampled_to_any_other(
    tmp_path_factory: pytest.TempPathFactory, sides: tuple[int, int, int, int]
) -> None:
    width, height, *made = sides
    tensor = RNG.random((3, height, width), np.float32)
    exact = resampled(tensor.astype(np.float64), made[1], made[0])
    shim = ResampleShim(tmp_path_factory.mktemp("resample"), (width, height), (made[0], made[1]))
    np.testing.assert_allclose(shim(tensor), exact, atol=3e-6)


def test_a_tensor_in_fp16_is_rounded_once(tmp_path: Path) -> None:
    tensor = RNG.random((3, 36, 72)).astype(np.float16)
    exact = resampled(tensor.astype(np.float64), 26, 54)
    made = ResampleShim(tmp_path, (72, 36), (54, 26), np.float16)(tensor)
    np.testing.assert_allclose(made, exact, atol=2.0**-11 * 1.001)


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("order", ["rgb", "y"])
@pytest.mark.parametrize("interleaved", [False, True])
def test_the_blend_is_that_of_float64(tmp_path: Path, scale: int, order: str, interleaved: bool) -> None:
    format, model = FrameFormat(33, 17, PIXEL_FORMATS["yuv420p"], Colour(1, False)), spec(np.float32, scale, order)
    source = RNG.random((len(order), 17, 33), np.float32)
    enlarged = RNG.random((len(order), 17 * scale, 33 * scale), np.float32)
    exact = enlarged.astype(np.float64)
    blend_with_source(exact, source.astype(np.float64), 0.7)
    planes = np.zeros((4, 17, 33), np.float32)
    planes[: len(order)] = source
    stored = np.ascontiguousarray(planes.transpose(1, 2, 0)) if interleaved else source
    BlendShim(tmp_path, format, model, 0.7, interleaved)(stored, enlarged)
    np.testing.assert_allclose(enlarged, exact, atol=2e-6)


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("dtypes", [(np.float16, np.float32), (np.float32, np.float16), (np.float16, np.float16)])
@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_a_tensor_is_adapted_to_the_next_network(
    tmp_path: Path, interleaved: bool, dtypes: tuple[type[np.floating], type[np.floating]], order: str
) -> None:
    before, after = spec(dtypes[0]), replace(spec(dtypes[1]), order=order, value_range=255.0)
    tensor = RNG.random((3, 5, 37)).astype(dtypes[0])
    made = AdaptShim(tmp_path, before, after, (37, 5), interleaved)(tensor)
    expected = 255 * tensor[:: -1 if order == "bgr" else 1].astype(np.float32)
    if interleaved:
        assert not made[:, :, 3].any()
        made = made[:, :, :3].transpose(2, 0, 1)
    np.testing.assert_array_equal(made, expected.astype(dtypes[1]))


def test_luma_is_adapted_with_zeros_beside_it(tmp_path: Path) -> None:
    luma = spec(order="y")
    tensor = RNG.random((1, 5, 37)).astype(np.float16)
    made = AdaptShim(tmp_path, luma, luma, (37, 5), interleaved=True)(tensor)
    np.testing.assert_array_equal(made[:, :, 0], tensor[0])
    assert not made[:, :, 1:].any()


@pytest.mark.parametrize("size", [(54, 26), (20, 50), (7, 3)], ids=str)
@pytest.mark.parametrize(("pixel", "made"), [("yuva420p", "yuva444p10le"), ("gbrap16le", "gbrap")])
def test_alpha_is_resampled_to_any_size_within_a_level(tmp_path: Path, size: Size, pixel: str, made: str) -> None:
    source = FrameFormat(36, 18, PIXEL_FORMATS[pixel], Colour(1, False))
    output = replace(source, pixel=PIXEL_FORMATS[made]).resized(*size)
    frame = saturated(source)
    alpha = output.split(AlphaShim(tmp_path, source, output)(samples(frame)))[-1:]
    assert largest_difference(alpha, oracle(frame, output)[-1:], 0) <= 1
