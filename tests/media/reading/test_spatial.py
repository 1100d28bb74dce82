"""Stereoscopic layouts and projections, as FFmpeg reports them for each value that Matroska stores."""

import struct
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.media.reading.probe import probe
from pipeline.media.reading.spatial import (
    CUBEMAP,
    EQUIRECTANGULAR,
    INTERLEAVED,
    STEREO_MODES,
    TILED,
    Projection,
    read_projection,
    read_stereo_mode,
    views,
)
from tests.cases import ebml
from tests.cases.film import film


def written(path: Path, elements: dict[int, ebml.Content]) -> Path:
    film(path, range(2))
    ebml.change_video(path, elements, removed=(ebml.DISPLAY_UNIT,))
    return path


@pytest.mark.parametrize("number", range(1, len(STEREO_MODES)))
def test_every_stereo_mode_of_matroska_is_read(tmp_path: Path, number: int) -> None:
    assert probe(written(tmp_path / "film.mkv", {ebml.STEREO_MODE: number})).video.stereo == STEREO_MODES[number]


def test_a_flat_video_has_neither_layout_nor_projection(tmp_path: Path) -> None:
    video = probe(written(tmp_path / "film.mkv", {ebml.STEREO_MODE: 0})).video
    assert (video.stereo, video.projection) == (None, None)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ([(ebml.PROJECTION_TYPE, 1)], Projection(EQUIRECTANGULAR)),
        (
            [(ebml.PROJECTION_TYPE, 1), (ebml.YAW, struct.pack(">d", -90.5))],
            Projection(EQUIRECTANGULAR, (Fraction(-181, 2), Fraction(0), Fraction(0))),
        ),
        (
            [(ebml.PROJECTION_TYPE, 1), (ebml.PROJECTION_PRIVATE, struct.pack(">5I", 0, 1 << 30, 0, 1 << 31, 0))],
            Projection(TILED, bounds=(Fraction(1, 2), Fraction(1, 4), Fraction(0), Fraction(0))),
        ),
        (
            [(ebml.PROJECTION_TYPE, 2), (ebml.PROJECTION_PRIVATE, struct.pack(">3I", 0, 0, 3))],
            Projection(CUBEMAP, padding=3),
        ),
    ],
)
def test_projections_of_matroska_are_read(tmp_path: Path, elements: ebml.Content, expected: Projection) -> None:
    assert probe(written(tmp_path / "film.mkv", {ebml.PROJECTION: elements})).video.projection == expected


def test_a_stream_without_frames_has_neither() -> None:
    assert read_stereo_mode(SimpleNamespace(metadata={}), None) is None
    assert read_projection(None) is None


def test_padding_grows_with_the_frame_and_bounds_do_not() -> None:
    bounds = (Fraction(1, 2), Fraction(0), Fraction(0), Fraction(0))
    assert Projection(CUBEMAP, bounds=bounds, padding=3).resized(Fraction(2)) == Projection(
        CUBEMAP, bounds=bounds, padding=6
    )


def test_views_are_counted_in_the_direction_in_which_they_share_a_frame() -> None:
    assert [views(mode) for mode in ("left_right", "col_interleaved_lr")] == [(2, 1)] * 2
    assert [views(mode) for mode in ("bottom_top", "row_interleaved_rl")] == [(1, 2)] * 2
    assert [views(mode) for mode in ("mono", "checkerboard_lr", "block_lr", "anaglyph_cyan_red")] == [(1, 1)] * 4
    assert len(INTERLEAVED) == 6
