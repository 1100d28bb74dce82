"""Samples are packed and unpacked exactly, and every format of FFmpeg's has a nearest planar one."""

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS, without_alpha
from pipeline.media.packed_formats import Packing, find_format, nearest_format, pack, packings, unpack
from tests.frames import assert_same, format_of, noise

PACKED = [(pixel.name, packing) for pixel in PIXEL_FORMATS.values() for packing in packings(pixel)]
NAMES = [f"{pixel}-{packing.name}" for pixel, packing in PACKED]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("yuv420p", "yuv420p"),
        ("yuvj422p", "yuv422p"),
        ("rgb24", "gbrp"),
        ("bgr0", "gbrp"),
        ("pal8", "gbrp"),
        ("rgb555le", "gbrp"),
        ("gbrp9le", "gbrp10le"),
        ("gbrp10le", "gbrp10le"),
        ("x2rgb10le", "gbrp10le"),
        ("gbrp14le", "gbrp16le"),
        ("rgb48be", "gbrp16le"),
        ("gbrpf32le", "gbrp16le"),
        ("monob", "gray"),
        ("gray9le", "gray10le"),
        ("gray14le", "gray16le"),
        ("gray16be", "gray16le"),
        ("yuv440p", "yuv440p"),
        ("yuvj440p", "yuv440p"),
        ("yuv411p", "yuv422p"),
        ("yuv410p", "yuv420p"),
        ("nv16", "yuv422p"),
        ("yuv420p9le", "yuv420p10le"),
        ("yuv444p14le", "yuv444p16le"),
        ("yuv422p16le", "yuv422p16le"),
        ("yuv422p10be", "yuv422p10le"),
        ("p016le", "yuv420p16le"),
        ("argb", "gbrap"),
        ("bgra", "gbrap"),
        ("gbrap", "gbrap"),
        ("gbrap12le", "gbrap12le"),
        ("gbrap14le", "gbrap16le"),
        ("rgba64be", "gbrap16le"),
        ("ya8", "ya8"),
        ("ya16be", "ya16le"),
        ("yuva420p", "yuva420p"),
        ("yuva420p9le", "yuva420p10le"),
        ("vuya", "yuva444p"),
        ("ayuv64le", "yuva444p16le"),
    ],
)
def test_every_format_has_a_nearest_one(name: str, nearest: str) -> None:
    assert nearest_format(name).name == nearest
    assert nearest_format(name, alpha=False) in (nearest_format(name), without_alpha(nearest_format(name)))


def test_alpha_can_be_stated_apart_from_the_format() -> None:
    assert nearest_format("pal8", alpha=True).name == "gbrap"
    assert nearest_format("bgra", alpha=False).name == "gbrp"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("yuv420p10le", "yuv420p10le"),
        ("yuv420p10", "yuv420p10le"),
        ("rgb24", "gbrp"),
        ("rgb48be", "gbrp16le"),
        ("rgba", "gbrap"),
        ("gray8", "gray"),
        ("yuvj420p", None),
        ("yuv411p", None),
        ("nonsense", None),
    ],
)
def test_format_is_found_by_every_name_of_its_samples(name: str, found: str | None) -> None:
    pixel = find_format(name)
    assert (pixel and pixel.name) == found


@pytest.mark.parametrize(("pixel", "packing"), PACKED, ids=NAMES)
@given(width=st.integers(1, 40), height=st.integers(1, 20))
def test_packed_samples_are_equal_and_can_be_unpacked(pixel: str, packing: Packing, width: int, height: int) -> None:
    frame = noise(format_of(pixel, (width, height)))
    av_frame = pack(frame, packing)
    assert_same(frame, av_frame)
    if packing.is_equivalent:
        planes = unpack(av_frame, frame.format.pixel)
        assert planes is not None
        for plane, samples in zip(planes, frame.planes, strict=True):
            np.testing.assert_array_equal(plane, samples)
            assert plane.dtype == samples.dtype


@pytest.mark.parametrize("name", ["rgba", "bgra", "argb", "abgr"])
def test_format_without_alpha_is_packed_as_opaque(name: str) -> None:
    frame = noise(format_of("gbrp"))
    packing = next(packing for packing in packings(frame.format.pixel) if packing.name == name)
    assert not packing.is_equivalent
    alpha = pack(frame, packing).reformat(format="gbrap", threads=1).planes[3]
    assert set(bytes(alpha)) == {255}


def test_unknown_packings_are_not_unpacked() -> None:
    assert unpack(av.VideoFrame(16, 16, "rgb555le"), PIXEL_FORMATS["gbrp"]) is None
    assert unpack(av.VideoFrame(16, 16, "yuv420p"), PIXEL_FORMATS["yuv420p"]) is None
