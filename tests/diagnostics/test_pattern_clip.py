"""The generated clip."""

from pathlib import Path

import numpy as np

from pipeline.diagnostics.pattern_clip import write_pattern
from pipeline.diagnostics.quality import read_frames
from pipeline.media.reading.probe import probe
from pipeline.superres.repeats import RepeatDetector


def test_the_clip_is_bt709_with_texture_that_drifts(tmp_path: Path) -> None:
    path = write_pattern(tmp_path / "a.mp4", 64, 48, frames=5)
    video = probe(path).video
    assert (str(video.format), video.frames, video.codec) == ("64x48 yuv420p", 5, "h264")
    assert video.format.colour.matrix == 1
    first, *_, last = (frame.planes[0].astype(int).copy() for frame in read_frames(path))
    assert first.std() > 10
    assert np.abs(first - last).mean() > 1


def test_no_frame_of_the_clip_repeats_the_one_before(tmp_path: Path) -> None:
    repeats = RepeatDetector()
    for frame in read_frames(write_pattern(tmp_path / "a.mp4", 64, 48)):
        assert not repeats.is_repeat(frame)
        repeats.keep(frame)


def test_the_clip_is_the_same_at_each_call(tmp_path: Path) -> None:
    one, other = (write_pattern(tmp_path / name, 64, 48, frames=2) for name in ("a.mp4", "b.mp4"))
    for a, b in zip(read_frames(one), read_frames(other), strict=True):
        assert (a.planes[0] == b.planes[0]).all()
