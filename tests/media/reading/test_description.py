from pathlib import Path

import av
import av.logging

from pipeline.media.reading.description import describe_stream
from tests import clips, hdr_clips


def test_a_stream_is_described_with_what_lies_beside_it(tmp_path: Path) -> None:
    clip = hdr_clips.dolby_vision(
        hdr_clips.graded(tmp_path / "graded.mp4"), tmp_path / "dolby.mp4", profile=8, compatible=4
    )
    with av.open(str(clip)) as container:
        said = describe_stream(container.streams.video[0])
    assert "Video: hevc (Main 10)" in said
    assert "bt2020" in said
    assert "profile: 8" in said


def test_asking_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    before = av.logging.get_level()
    with av.open(str(clips.make(tmp_path / "clip.mp4"))) as container:
        assert "Audio: aac" in describe_stream(container.streams.audio[0])
    assert av.logging.get_level() == before
