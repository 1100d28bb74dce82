"""The stages between decoder and upscaler are those that are planned, in their order."""

from pipeline.frame import FrameFormat
from pipeline.media.decoding.interlace.bwdif import Deinterlace, Deinterlacing
from pipeline.media.decoding.preprocess import preprocess
from pipeline.media.decoding.rotate import Orientation, Rotate


def test_nothing_planned_means_no_stages(small_format: FrameFormat) -> None:
    assert preprocess(small_format, 40, None, None) == []


def test_frames_are_deinterlaced_before_they_are_rotated(small_format: FrameFormat) -> None:
    deinterlacing, rotation = Deinterlacing("all", True), Orientation(transposed=True)
    stages = preprocess(small_format, 40, deinterlacing, rotation)
    assert [type(stage) for stage in stages] == [Deinterlace, Rotate]
    for stage in stages:
        stage.close()
