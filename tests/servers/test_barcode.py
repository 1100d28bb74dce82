"""Numbers in pictures come through what video goes through."""

from fractions import Fraction

import av
import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.servers import barcode
from tests.servers.sending import pictures

numbers = some.integers(0, 2**32 - 1)
sizes = some.tuples(some.integers(48, 240), some.integers(32, 120)).map(lambda size: (2 * size[0], 2 * size[1]))


@given(numbers, sizes)
@settings(max_examples=50)
def test_what_is_drawn_is_read(number: int, size: tuple[int, int]) -> None:
    luma = next(pictures(*size))
    barcode.draw(luma, number)
    assert barcode.read(luma) == number


@given(numbers)
@settings(max_examples=10)
def test_it_is_read_after_x264_and_in_twice_the_size(number: int) -> None:
    luma = next(pictures(160, 90))
    barcode.draw(luma, number)
    coded = _through_x264(luma)
    large = cv2.resize(coded, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert barcode.read(_through_x264(large)) == number


def test_a_picture_without_one_is_no_number() -> None:
    assert barcode.read(next(pictures(320, 180))) is None
    for level in (0, 16, 128, 235, 255):
        assert barcode.read(np.full((90, 160), level, np.uint8)) is None


def test_half_a_picture_is_no_number() -> None:
    old, new = (np.full((96, 192), 128, np.uint8) for _ in range(2))
    barcode.draw(old, 0x01234567)
    barcode.draw(new, 0xFEDCBA98)
    new[:, 96:] = old[:, 96:]
    assert barcode.read(new) is None


def test_time_since_a_number_survives_its_turning_over() -> None:
    assert barcode.since((barcode.now() - 40) % 2**32) in range(40, 1000)
    assert 0 <= barcode.now() < 2**32


def _through_x264(luma: np.ndarray) -> np.ndarray:
    height, width = luma.shape
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "32"}
    encoder.time_base, encoder.framerate = Fraction(1, 25), 25
    packed = np.full((height * 3 // 2, width), 128, np.uint8)
    packed[:height] = luma
    packets = [*encoder.encode(av.VideoFrame.from_ndarray(packed, format="yuv420p")), *encoder.encode(None)]
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    return np.asarray(frames[0].to_ndarray()[:height])
