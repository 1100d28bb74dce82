"""Addresses of samples, as kernels get them."""

import pytest

from pipeline.frame import DevicePlane
from pipeline.superres.gpu.samples import decoder_samples, packed_samples
from tests.frames import format_of


def test_planes_of_a_packed_frame_follow_one_another() -> None:
    assert tuple(packed_samples(format_of("yuv420p", (64, 48)), 1000)) == (1000, 4072, 4840, 64, 32, 1000)
    samples = packed_samples(format_of("yuva420p", (64, 48)), 1000)
    assert samples.alpha == 1000 + 64 * 48 * 3 // 2


@pytest.mark.parametrize(("pixel", "size"), [("nv12", 1), ("p010le", 2)])
def test_planes_of_nvdec_have_rows_of_any_length(pixel: str, size: int) -> None:
    planes = DevicePlane(4096, 512), DevicePlane(65536, 256)
    samples = decoder_samples(format_of(pixel), planes)
    assert tuple(samples) == (4096, 65536, 65536 + size, 512 // size, 256 // size, 0)
