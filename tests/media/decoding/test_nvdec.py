"""The arithmetic of NVDEC's surfaces and formats; everything else needs a GPU."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS
from pipeline.media.decoding import nvdec


@given(st.integers(1, 256))
def test_queue_holds_no_more_surfaces_than_are_spare(queue: int) -> None:
    waiting = max(1, queue // nvdec.surface_weight(queue))  # a channel always lets one in
    in_use = 4  # decoded and not yet queued, being submitted, and two that are being copied
    assert waiting + in_use <= nvdec.SPARE_SURFACES


def test_only_420_of_8_and_10_bits_is_supported() -> None:
    layouts = {name: nvdec.output_format(pixel) for name, pixel in PIXEL_FORMATS.items()}
    assert {name for name, layout in layouts.items() if layout} == {"yuv420p", "nv12", "yuv420p10le", "p010le"}
