"""What an output can't signal of a stereoscopic layout or a projection is dropped with a note."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.probe import probe
from pipeline.media.reading.spatial import EQUIRECTANGULAR, UNKNOWN_MODE, Projection
from pipeline.media.writing.spatial_support import representable_spatial
from tests.cases.film import film

SPHERE = Projection(EQUIRECTANGULAR)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    path = tmp_path_factory.mktemp("spatial") / "film.mkv"
    film(path, range(2))
    return probe(path).video


def encoding(video: VideoInfo, codec: str = "libx264", scale: int = 1, **fields: Any) -> VideoEncoding:
    return VideoEncoding(codec, video.format.enlarged(scale), Fraction(25), video.time_base, **fields)


@pytest.mark.parametrize("name", ["out.mkv", "out.mp4", "out.mov"])
def test_side_by_side_is_kept_in_matroska_and_mp4(video: VideoInfo, name: str) -> None:
    source = replace(video, stereo="left_right")
    kept, notes = representable_spatial(encoding(video, scale=2, stereo="left_right"), source, Path(name))
    assert (kept.stereo, notes) == ("left_right", [])


def test_projection_is_kept_in_mp4_and_named_for_mov(video: VideoInfo) -> None:
    source, wanted = replace(video, projection=SPHERE), encoding(video, projection=SPHERE)
    assert representable_spatial(wanted, source, Path("out.mp4")) == (wanted, [])
    kept, notes = representable_spatial(wanted, source, Path("out.mov"))
    assert kept.projection is None
    assert notes == ["equirectangular projection dropped: libx264 in .mov does not support it; .mkv may"]


@pytest.mark.parametrize(
    ("stereo", "target", "fields", "reason"),
    [
        ("right_left", "out.mp4", {"stereo": "right_left"}, "libx264 in .mp4 does not support it"),
        ("left_right", "out.ts", {"stereo": "left_right"}, "libx264 in .ts does not support it"),
        ("left_right", "out.mkv", {}, "frames are rotated"),
        ("row_interleaved_lr", "out.mkv", {"stereo": "row_interleaved_lr", "scale": 2}, "upscaling mixes samples"),
        (UNKNOWN_MODE, "out.mkv", {"stereo": UNKNOWN_MODE}, "does not say how the views are packed"),
        ("left_right", "out.mkv", {"stereo": "left_right", "codec": "mpeg4"}, "mpeg4 in .mkv does not support it"),
    ],
)
def test_a_layout_that_is_dropped_is_named_with_its_reason(
    video: VideoInfo, stereo: str, target: str, fields: dict[str, Any], reason: str
) -> None:
    kept, (note,) = representable_spatial(encoding(video, **fields), replace(video, stereo=stereo), Path(target))
    assert kept.stereo is None
    assert note.startswith(f"stereoscopic layout {stereo} dropped: ")
    assert reason in note


def test_interleaved_rows_are_kept_at_the_same_size(video: VideoInfo) -> None:
    wanted = encoding(video, stereo="row_interleaved_lr")
    assert representable_spatial(wanted, replace(video, stereo="row_interleaved_lr"), Path("out.mkv")) == (wanted, [])
