"""The stereoscopic layout and the projection of an output: planted differences, and what a container can't signal."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pipeline import upscale, verify
from pipeline.media.reading.media_info import MediaInfo
from pipeline.media.reading.probe import probe
from pipeline.media.reading.spatial import CUBEMAP, EQUIRECTANGULAR, Projection
from pipeline.verification.spatial_check import compare_spatial
from pipeline.verification.verdict import Fault
from tests.cases import ebml
from tests.cases.film import film
from tests.verification.plants import kinds

Fields = dict[str, Any]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> MediaInfo:
    path = tmp_path_factory.mktemp("spatial") / "film.mkv"
    film(path, range(2))
    return probe(path)


def compared(media: MediaInfo, source: Fields, output: Fields, name: str = "out.mkv") -> list[str]:
    """Compare `media`, its video with the fields of a source, with an output: kinds of faults, and remarks."""
    other = replace(media, path=Path(name), video=replace(media.video, **output))
    found = compare_spatial(replace(media.video, **source), other)
    return [item.kind if isinstance(item, Fault) else item for item in found]


SPHERE = Projection(EQUIRECTANGULAR)


def test_equal_layouts_and_projections_are_no_fault(media: MediaInfo) -> None:
    about = {"stereo": "left_right", "projection": SPHERE}
    assert compared(media, about, about) == []
    assert compared(media, {}, {}) == []


def test_missing_and_changed_ones_are_faults(media: MediaInfo) -> None:
    assert compared(media, {"stereo": "left_right"}, {}) == ["stereo"]
    assert compared(media, {"stereo": "left_right"}, {"stereo": "right_left"}) == ["stereo"]
    assert compared(media, {}, {"stereo": "left_right"}) == ["stereo"]
    assert compared(media, {"projection": SPHERE}, {}) == ["projection"]
    turned = Projection(EQUIRECTANGULAR, (Fraction(90), Fraction(0), Fraction(0)))
    assert compared(media, {"projection": SPHERE}, {"projection": turned}) == ["projection"]


def test_what_the_container_cannot_signal_is_a_remark(media: MediaInfo) -> None:
    assert compared(media, {"stereo": "right_left"}, {}, "out.mp4") == [
        "the source's stereoscopic layout, right_left, is not signalled"
    ]
    assert compared(media, {"projection": SPHERE}, {}, "out.ts") == [
        "the source's projection, equirectangular, is not signalled"
    ]


def test_interleaved_eyes_are_not_expected_after_upscaling(media: MediaInfo) -> None:
    doubled = media.video.format.enlarged(2)
    assert compared(media, {"stereo": "row_interleaved_lr"}, {"format": doubled}) == [
        "the source's stereoscopic layout, row_interleaved_lr, is not signalled"
    ]


def test_padding_of_a_cubemap_grows_with_the_frame(media: MediaInfo) -> None:
    doubled = media.video.format.enlarged(2)
    source = {"projection": Projection(CUBEMAP, padding=3)}
    assert compared(media, source, {"format": doubled, "projection": Projection(CUBEMAP, padding=6)}) == []
    assert compared(media, source, {"format": doubled, "projection": Projection(CUBEMAP, padding=3)}) == ["projection"]


def test_verify_finds_a_layout_that_was_removed_from_the_file(tmp_path: Path) -> None:
    source = tmp_path / "source.mkv"
    film(source, range(10))
    ebml.change_video(source, {ebml.STEREO_MODE: 1}, removed=(ebml.DISPLAY_UNIT,))
    output = upscale(source, tmp_path / "out.mkv", model="identity").path
    assert kinds(verify(source, output)) == []
    ebml.change_video(output, {}, removed=(ebml.STEREO_MODE,))
    assert "stereo" in kinds(verify(source, output))
