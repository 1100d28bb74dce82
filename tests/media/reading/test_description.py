"""FFmpeg's description of a stream has its format and side data."""

from pathlib import Path

import av
import av.logging

from pipeline.media.reading.description import describe_stream
from tests import clips, hdr_clips


def test_description_includes_side_data(tmp_path: Path) -> None:
    clip = hdr_clips.dolby_vision(
        hdr_clips.graded(tmp_path / "graded.mp4"), tmp_path / "dolby.mp4", profile=8, compatible=4
    )
    with av.open(str(clip)) as container:
        text = describe_stream(container.streams.video[0])
    assert "Video: hevc (Main 10)" in text
    assert "bt2020" in text
    assert "profile: 8" in text


def test_describing_a_stream_leaves_the_log_level_unchanged(tmp_path: Path) -> None:
    before = av.logging.get_level()
    with av.open(str(clips.make(tmp_path / "clip.mp4"))) as container:
        assert "Audio: aac" in describe_stream(container.streams.audio[0])
    assert av.logging.get_level() == before
