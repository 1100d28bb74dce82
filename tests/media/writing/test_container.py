"""The options of an output's muxer."""

from pathlib import Path

import pytest

from pipeline.media.writing.container import loop_options
from pipeline.media.writing.container_support import container_spec


@pytest.mark.parametrize(("muxer", "options"), [("gif", {"loop": "0"}), ("apng", {"plays": "0"}), ("matroska", {})])
def test_an_animation_made_of_a_video_is_played_forever(tmp_path: Path, muxer: str, options: dict[str, str]) -> None:
    assert loop_options(container_spec(muxer), tmp_path / "film.mp4") == options
