"""Barcodes in frames survive upscaling and lossy coding."""

from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.typing import NDArray

from tests.servers import barcode
from tests.servers.sending import moving_texture

numbers = some.integers(0, 2**32 - 1)
sizes = some.tuples(some.integers(48, 240), some.integers(32, 120)).map(lambda size: (2 * size[0], 2 * size[1]))


@given(numbers, sizes)
@settings(max_examples=50)
def test_drawn_number_is_read_at_any_size(number: int, size: tuple[int, int]) -> None:
    luma = next(moving_texture(*size))
    barcode.draw(luma, number)
    assert barcode.read(luma) == number


@given(numbers)
@settings(max_examples=10)
def test_number_is_read_after_x264_and_upscaling(number: int) -> None:
    luma = next(moving_texture(160, 90))
    barcode.draw(luma, number)
    coded = _through_x264(luma)
    large = cv2.resize(coded, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert barcode.read(_through_x264(large)) == number


def test_frame_without_barcode_has_no_number() -> None:
    assert barcode.read(next(moving_texture(320, 180))) is None
    for level in (0, 16, 128, 235, 255):
        assert barcode.read(np.full((90, 160), level, np.uint8)) is None


def test_frame_of_two_halves_has_no_number() -> None:
    old, new = (np.full((96, 192), 128, np.uint8) for _ in range(2))
    barcode.draw(old, 0x01234567)
    barcode.draw(new, 0xFEDCBA98)
    new[:, 96:] = old[:, 96:]
    assert barcode.read(new) is None


def test_elapsed_time_is_right_after_the_clock_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic_ns", lambda: (2**32 + 3) * 1_000_000)
    assert barcode.now() == 3
    assert barcode.since(2**32 - 40) == 43


def _through_x264(luma: NDArray[Any]) -> NDArray[np.uint8]:
    height, width = luma.shape
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "32"}
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    packed = np.full((height * 3 // 2, width), 128, np.uint8)
    packed[:height] = luma
    packets = [*encoder.encode(av.VideoFrame.from_ndarray(packed, format="yuv420p")), *encoder.encode(None)]
    decoder: Any = av.CodecContext.create("h264", "r")
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    return np.asarray(frames[0].to_ndarray()[:height])
