"""The options of an output's muxer."""

from pathlib import Path

import pytest

from pipeline.media.writing.container import loop_options, moves_index
from pipeline.media.writing.container_support import container_spec


@pytest.mark.parametrize(("muxer", "options"), [("gif", {"loop": "0"}), ("apng", {"plays": "0"}), ("matroska", {})])
def test_an_animation_made_of_a_video_is_played_forever(tmp_path: Path, muxer: str, options: dict[str, str]) -> None:
    assert loop_options(container_spec(muxer), tmp_path / "film.mp4") == options


@pytest.mark.parametrize(
    ("name", "encoder", "moves"),
    [
        ("a.mp4", "libx264", True),
        ("a.mov", "libx265", True),
        ("a.m4v", "h264_nvenc", True),
        ("a.mov", "prores_ks", False),
        ("a.mp4", "ffv1", False),
        ("a.mkv", "libx264", False),
        ("a.ts", "libx264", False),
    ],
)
def test_the_index_is_moved_to_the_front_of_files_that_are_streamed(name: str, encoder: str, moves: bool) -> None:
    assert moves_index(Path(name), encoder) is moves
