"""Imported networks on a GPU give the frames that they give on the CPU, at sizes that they don't accept too."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from pipeline.colour.psnr import psnr
from pipeline.frame import PIXEL_FORMATS, FrameFormat
from pipeline.models import catalogue
from pipeline.models.importing.conventions import BYTES, SIGNED, Overrides
from pipeline.superres.gpu.compute import ComputeOptions
from tests.gpu.sessions import open_gpu_session, tensorrt, upscale_frames
from tests.models.importing.foreign import Foreign, one_size_network, plain_network
from tests.superres.networks import open_cpu_session
from tests.superres.oracle import saturated

BGR = Overrides(channels="bgr")


NETWORKS: dict[str, Callable[[], onnx.ModelProto]] = {
    "bytes, blue first": Foreign(plain_network(), BYTES, BYTES, reversed=True).model,
    "signed": Foreign(plain_network(), SIGNED, SIGNED, clipped=True).model,
    "channels last": Foreign(plain_network(), BYTES, BYTES, layout="nhwc").model,
    "uint8": Foreign(plain_network(), BYTES, BYTES, layout="nhwc", dtype="uint8").model,
    "opposite order": Foreign(plain_network(), output_reversed=True).model,
    "multiples of 8": Foreign(plain_network(), multiple=8).model,
    "valid convolutions": Foreign(plain_network(), border=14).model,
    "one size": lambda: one_size_network(64, 96),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("size", [(131, 77), (40, 30)], ids=str)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("name", NETWORKS)
def test_an_imported_network_gives_the_frames_of_the_cpu(
    tmp_path: Path, small_format: FrameFormat, name: str, precision: str, size: tuple[int, int]
) -> None:
    path = tmp_path / "imported.onnx"
    onnx.save(NETWORKS[name](), path)
    stated = BGR if "blue first" in name else None
    format = replace(small_format, width=size[0], height=size[1], pixel=PIXEL_FORMATS["yuv444p"])
    with open_cpu_session(catalogue.find(str(path), "fp32", stated), format) as session:
        (expected,) = upscale_frames(session, [saturated(format)])
    with open_gpu_session(
        catalogue.find(str(path), precision, stated), format, options=tensorrt(contexts=1)
    ) as session:
        (found,) = upscale_frames(session, [saturated(format)])
    for plane, other in zip(found, expected, strict=True):
        assert psnr(plane, other) > (60 if precision == "fp32" else 45)


@pytest.mark.timeout(120)
def test_fused_kernels_run_in_tiles_that_exceed_the_frame(tmp_path: Path, small_format: FrameFormat) -> None:
    model = plain_network()
    onnx.helper.set_model_props(model, {"uprez.multiple": "8", "uprez.name": "multiples"})
    path = tmp_path / "multiples.onnx"
    onnx.save(model, path)
    spec = replace(catalogue.find(str(path), "fp16"), size_multiple=8, stride=8)
    format = replace(small_format, width=131, height=77, pixel=PIXEL_FORMATS["yuv444p"])
    with open_cpu_session(catalogue.find("clear-x2", "fp32"), format) as session:
        (expected,) = upscale_frames(session, [saturated(format)])
    with open_gpu_session(spec, format, options=ComputeOptions(engine="fused", contexts=1)) as session:
        assert (session.tiling.tile_width, session.tiling.tile_height) == (136, 80)
        (found,) = upscale_frames(session, [saturated(format)])
    for plane, other in zip(found, expected, strict=True):
        assert psnr(plane[:-32, :-32], other[:-32, :-32]) > 45  # beyond the frame is its mirror image, not black
