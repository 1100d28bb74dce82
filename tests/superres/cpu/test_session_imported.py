"""Imported networks upscale frames as the same network in this project's conventions does."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.frame import PIXEL_FORMATS, Frame, FrameFormat
from pipeline.models import catalogue, synthetic
from pipeline.models.importing.conventions import BYTES, SIGNED, UNIT, Overrides, ValueRange
from pipeline.models.spec import ModelSpec
from tests.models.importing.foreign import Foreign, one_size_network, plain_network
from tests.superres.networks import open_cpu_session
from tests.superres.oracle import saturated

BT709_LUMA = (0.2126, 0.7152, 0.0722)  # of R, G and B (ITU-R BT.709, 3.2)
RADIUS = 8  # of clear-x2's receptive field, in input pixels


def upscale(model: ModelSpec, frame: Frame) -> NDArray[Any]:
    """The planes of the upscaled frame in one array."""
    copy = Frame(frame.format, tuple(plane.copy() for plane in frame.planes), pts=0, duration=1)
    with open_cpu_session(model, frame.format) as session:
        return np.stack(session.collect(session.submit(copy)).planes).astype(int)


def frame_of(small_format: FrameFormat, width: int, height: int) -> Frame:
    return saturated(replace(small_format, width=width, height=height, pixel=PIXEL_FORMATS["gbrp"]))


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    known=st.sampled_from([UNIT, BYTES, SIGNED]),
    layout=st.sampled_from(["nchw", "nhwc"]),
    multiple=st.sampled_from([1, 2, 8]),
    reverse=st.booleans(),
    size=st.tuples(st.integers(20, 50), st.integers(20, 50)),
)
def test_any_combination_gives_the_frame_of_the_plain_network_within_a_level(
    tmp_path: Path,
    small_format: FrameFormat,
    known: ValueRange,
    layout: str,
    multiple: int,
    reverse: bool,
    size: tuple[int, int],
) -> None:
    foreign = Foreign(
        input_range=known,
        output_range=known,
        layout=layout,
        multiple=multiple,
        reversed=reverse,
        clipped=known == SIGNED,
    )
    path = foreign.saved(tmp_path / "foreign.onnx")
    stated = Overrides(channels="bgr" if reverse else None)
    frame = frame_of(small_format, *size)
    imported = upscale(catalogue.find(str(path), np.float32, stated), frame)
    plain = upscale(catalogue.find("clear-x2", np.float32), frame)
    beside = -2 * RADIUS if multiple > 1 else None  # the frame is continued on the right and at the bottom
    assert np.abs(imported - plain)[:, :beside, :beside].max() <= 1


def fixed(path: Path, plain: onnx.ModelProto, height: int, width: int) -> ModelSpec:
    """`plain`, imported behind a reshape to one size."""
    onnx.save(one_size_network(height, width, plain), path)
    return catalogue.find(str(path), np.float32)


@pytest.mark.parametrize("size", [(101, 75), (64, 48), (33, 70), (130, 20), (7, 5), (1, 1)])
def test_frames_of_any_size_pass_through_a_network_for_one_size(
    tmp_path: Path, small_format: FrameFormat, size: tuple[int, int]
) -> None:
    frame = frame_of(small_format, *size)
    model = fixed(tmp_path / "fixed.onnx", synthetic.nearest(np.float32), 48, 64)
    assert model.size == (48, 64)
    np.testing.assert_array_equal(
        upscale(model, frame),
        upscale(replace(model, path=nearest(tmp_path), size=None, input="input", output="output"), frame),
    )


def nearest(folder: Path) -> Path:
    path = folder / "nearest.onnx"
    onnx.save(synthetic.nearest(np.float32), path)
    return path


def test_tiles_of_the_only_size_are_seamless(tmp_path: Path, small_format: FrameFormat) -> None:
    frame = frame_of(small_format, 150, 110)
    tiled = upscale(fixed(tmp_path / "fixed.onnx", plain_network(), 64, 64), frame)
    plain = upscale(catalogue.find("clear-x2", np.float32), frame)
    assert np.abs(tiled - plain).max() <= 1


def test_a_missing_border_is_completed(tmp_path: Path, small_format: FrameFormat) -> None:
    frame = frame_of(small_format, 61, 43)
    path = Foreign(border=14).saved(tmp_path / "valid.onnx")
    imported = upscale(catalogue.find(str(path), np.float32), frame)
    plain = upscale(catalogue.find("clear-x2", np.float32), frame)
    inside = slice(2 * RADIUS, -2 * RADIUS)
    assert imported.shape == plain.shape
    assert np.abs(imported - plain)[:, inside, inside].max() <= 1


@pytest.mark.parametrize("pixel", ["yuv420p", "gbrp", "gray"])
def test_luma_of_0_to_255_is_upscaled_alone(tmp_path: Path, small_format: FrameFormat, pixel: str) -> None:
    format = replace(small_format, width=33, height=21, pixel=PIXEL_FORMATS[pixel])
    foreign = Foreign(synthetic.nearest(np.float32, channels=1), BYTES, BYTES)
    model = catalogue.find(str(foreign.saved(tmp_path / "luma.onnx")), np.float32, Overrides(range="0..255"))
    assert (model.order, model.value_range) == ("y", 255)
    planes = [plane // 4 + 96 for plane in saturated(format).planes]  # so that resampled chroma is never clamped
    copies = tuple(plane.copy() for plane in planes)
    with open_cpu_session(model, format) as session:
        upscaled = session.collect(session.submit(Frame(format, copies, pts=0, duration=1)))
    if pixel != "gbrp":
        np.testing.assert_array_equal(upscaled.planes[0], planes[0].repeat(2, 0).repeat(2, 1))
        return
    red, green, blue = BT709_LUMA
    luma, expected = (green * g + blue * b + red * r for g, b, r in (upscaled.planes, planes))
    assert np.abs(luma - expected.repeat(2, 0).repeat(2, 1)).max() < 1  # each sample is rounded
    assert expected.std() > 5


def test_a_denoiser_of_scale_1_keeps_the_size(tmp_path: Path, small_format: FrameFormat) -> None:
    frame = frame_of(small_format, 35, 21)
    path = Foreign(synthetic.identity(np.float32), BYTES, BYTES, layout="nhwc").saved(tmp_path / "denoiser.onnx")
    upscaled = upscale(catalogue.find(str(path), np.float32, Overrides(range="0..255")), frame)
    assert np.abs(upscaled - np.stack(frame.planes)).max() <= 1
