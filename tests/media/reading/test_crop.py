"""Cropping that a container requests: its rectangle, the planes that are left, and their sample aspect ratio."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame import PIXEL_FORMATS
from pipeline.media.reading import crop
from pipeline.media.reading.crop import Crop, cropped_sample_aspect, read_crop
from pipeline.media.reading.input_container import open_input
from pipeline.media.reading.probe import probe
from tests.cases import ebml
from tests.cases.film import film

EDGES = (ebml.CROP_LEFT, ebml.CROP_RIGHT, ebml.CROP_TOP, ebml.CROP_BOTTOM)
YUV420, YUV444 = PIXEL_FORMATS["yuv420p"], PIXEL_FORMATS["yuv444p"]


def cropped_film(path: Path, *edges: int) -> Path:
    """Write a film of 96x64 with Matroska's PixelCrop: left, right, top, bottom."""
    film(path, range(2))
    ebml.change_video(path, dict(zip(EDGES, edges, strict=True)))
    return path


def test_rectangle_of_a_container_is_read(tmp_path: Path) -> None:
    with open_input(cropped_film(tmp_path / "film.mkv", 4, 2, 8, 6)) as container:
        assert read_crop(container.streams.video[0], YUV420) == Crop(4, 2, 8, 6)


def test_edges_are_rounded_down_to_complete_chroma_samples_and_pairs_of_rows(tmp_path: Path) -> None:
    with open_input(cropped_film(tmp_path / "film.mkv", 5, 3, 9, 7)) as container:
        assert read_crop(container.streams.video[0], YUV420) == Crop(4, 2, 8, 6)
        assert read_crop(container.streams.video[0], YUV444) == Crop(5, 3, 8, 6)


def test_rectangle_that_leaves_nothing_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crop, "describe_stream", lambda _: "Frame Cropping: 64/64/0/0")
    assert read_crop(stream(None), YUV420) is None


def test_probe_describes_the_cropped_frame(tmp_path: Path) -> None:
    video = probe(cropped_film(tmp_path / "film.mkv", 4, 2, 8, 6)).video
    assert (video.format.width, video.format.height) == (90, 50)
    assert video.crop == Crop(4, 2, 8, 6)


@pytest.mark.parametrize("edges", [(4, 2, 8, 6), (0, 0, 11, 13), (3, 5, 7, 1), (0, 1, 0, 0)])
def test_samples_are_square_whether_edges_are_rounded_or_not(tmp_path: Path, edges: tuple[int, int, int, int]) -> None:
    """The film declares the display size of the complete frame."""
    assert probe(cropped_film(tmp_path / "film.mkv", *edges)).video.sample_aspect == 1


@pytest.mark.parametrize("name", ["yuv420p", "yuva420p", "yuv422p10le", "nv12", "gbrap", "gray", "ya8"])
def test_planes_lose_the_same_edges(name: str) -> None:
    pixel, edges = PIXEL_FORMATS[name], Crop(4, 2, 8, 6)
    complete = tuple(np.arange(a * b).reshape(a, b).astype(pixel.dtype) for a, b in pixel.plane_shapes(33, 31))
    planes = edges.apply(complete, pixel)
    assert tuple(plane.shape for plane in planes) == pixel.plane_shapes(*edges.size(33, 31))
    assert np.array_equal(planes[0], complete[0][8:-6, 4:-2])
    if name == "nv12":
        assert np.array_equal(planes[1], complete[1][4:-3, 4:-2])
    if name == "yuva420p":
        assert np.array_equal(planes[1], complete[1][4:-3, 2:-1])
        assert np.array_equal(planes[3], complete[3][8:-6, 4:-2])


sides = st.integers(0, 20)


@given(sides, sides, sides, sides)
def test_uncropped_size_undoes_the_crop(left: int, right: int, top: int, bottom: int) -> None:
    edges = Crop(left, right, top, bottom)
    assert edges.uncropped_size(*edges.size(100, 90)) == (100, 90)


def stream(aspect: Fraction | None, demuxer: str = "matroska,webm") -> Any:
    container = SimpleNamespace(format=SimpleNamespace(name=demuxer))
    context = SimpleNamespace(width=128, height=96)
    return SimpleNamespace(sample_aspect_ratio=aspect, container=container, codec_context=context)


@pytest.mark.parametrize(
    ("aspect", "demuxer", "expected"),
    [
        (None, "matroska,webm", Fraction(1)),
        (Fraction(2), "matroska,webm", Fraction(2)),
        (Fraction(3, 4), "matroska,webm", Fraction(1)),  # its display size is 128x96
        (Fraction(3, 4), "mov,mp4,m4a,3gp,3g2,mj2", Fraction(3, 4)),
    ],
)
def test_display_size_of_the_complete_frame_means_square_samples(
    aspect: Fraction | None, demuxer: str, expected: Fraction
) -> None:
    assert cropped_sample_aspect(stream(aspect, demuxer), Crop(top=12, bottom=12)) == expected


def test_sample_aspect_of_complete_frames_is_that_of_the_stream() -> None:
    assert cropped_sample_aspect(stream(Fraction(3, 4)), None) == Fraction(3, 4)
