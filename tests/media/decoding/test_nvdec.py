"""NVDEC's formats and engines; everything else needs a GPU."""

import ctypes
from typing import Any

import pytest

from pipeline.frame import PIXEL_FORMATS
from pipeline.media.decoding import nvdec
from tests.fakes.nvcuvid import FakeLibrary


def test_only_420_of_8_and_10_bits_is_supported() -> None:
    layouts = {name: nvdec.output_format(pixel) for name, pixel in PIXEL_FORMATS.items()}
    assert {name for name, layout in layouts.items() if layout} == {"yuv420p", "nv12", "yuv420p10le", "p010le"}


class Device:
    """A stand-in for a Gpu."""

    def make_current(self) -> None:
        pass


def engine_count(codec: str, pixel: str = "yuv420p") -> int:
    gpu: Any = Device()
    return nvdec.engine_count(gpu, codec, PIXEL_FORMATS[pixel])


def test_driver_reports_the_number_of_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary(codec=8, engines=7)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert engine_count("hevc", "yuv420p10le") == 7
    assert library.asked == [(8, 1, 2)]


@pytest.mark.parametrize(("codec", "engines"), [("h264", 7), ("ffv1", 7), ("hevc", 0)])
def test_one_engine_is_assumed_where_none_is_reported(
    monkeypatch: pytest.MonkeyPatch, codec: str, engines: int
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: FakeLibrary(codec=8, engines=engines))
    assert engine_count(codec) == 1


def test_one_engine_is_assumed_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert engine_count("h264") == 1
