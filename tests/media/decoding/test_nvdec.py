"""NVDEC's arithmetic; tests/gpu has the rest."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS
from pipeline.media.decoding import nvdec


@given(st.integers(1, 256))
def test_no_more_surfaces_wait_than_there_are_spare_ones(queue: int) -> None:
    waiting = max(1, queue // nvdec.queue_weight(queue))  # a channel always lets one in
    in_hands = 4  # decoded and not yet put, being submitted, and two that are being copied
    assert waiting + in_hands <= nvdec.SPARE_SURFACES


def test_only_420_of_8_and_10_bit_is_tried() -> None:
    layouts = {name: nvdec.output_format(pixel) for name, pixel in PIXEL_FORMATS.items()}
    assert {name for name, layout in layouts.items() if layout} == {"yuv420p", "nv12", "yuv420p10le", "p010le"}
