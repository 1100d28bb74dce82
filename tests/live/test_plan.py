"""What is decided when the first frame of a live stream is there."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import SettingsError
from pipeline.frame import PIXEL_FORMATS
from pipeline.live.plan import LivePlan, plan_live
from pipeline.media.reading.interlacing import Scan
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.probe import probe
from tests import rotated

FIELDS = Scan(interlaced=True, top_first=False)


@pytest.fixture
def video(clip: Path) -> VideoInfo:
    return replace(probe(clip).video, time_base=Fraction(1, 90_000))


def plan(video: VideoInfo, share: float = 1.0, **options: object) -> LivePlan:
    chosen = {"model": "srvgg-24x8", "backend": "onnx"} | options
    return plan_live(video, StreamSettings.model_validate({"source": "rtsp://camera/1", **chosen}), share)


def sized(video: VideoInfo, width: int, height: int) -> VideoInfo:
    return replace(video, format=replace(video.format, width=width, height=height))


def of(video: VideoInfo, pixel: str) -> VideoInfo:
    return replace(video, source_format=pixel, format=replace(video.format, pixel=PIXEL_FORMATS[pixel]))


def test_a_stream_is_encoded_without_delay(video: VideoInfo) -> None:
    made = plan(video)
    assert made.encoding.codec == "libx264"
    assert made.encoding.options["tune"] == "zerolatency"
    assert made.encoding.options["crf"] == "21"
    assert (made.encoding.time_base, made.encoding.rate) == (Fraction(1, 90_000), 25)
    assert (made.made.width, made.made.height) == (128, 96)
    assert made.notes == ()


def test_what_is_chosen_wins(video: VideoInfo) -> None:
    options = plan(video, crf=30, preset="slow", options={"tune": "film"}).encoding.options
    assert (options["crf"], options["preset"], options["tune"]) == ("30", "slow", "film")
    assert "crf" not in plan(video, options={"b": "4M"}).encoding.options


def test_an_encoder_s_own_parameters_come_after_those_that_keep_it_from_looking_ahead(video: VideoInfo) -> None:
    made = plan(video, codec="libsvtav1", options={"svtav1-params": "tune=0"})
    parameters = made.encoding.options["svtav1-params"]
    assert parameters.startswith("pred-struct=1:")
    assert parameters.endswith(":tune=0")


def test_the_preset_follows_from_the_pixels_and_the_cores(video: VideoInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.system.host.cores", lambda: 16)
    small, large = sized(video, 480, 270), sized(video, 1920, 1080)
    assert plan(small).encoding.options["preset"] == "veryfast"
    assert plan(small, share=1 / 8).encoding.options["preset"] == "veryfast"
    assert plan(small, share=1 / 16).encoding.options["preset"] == "ultrafast"
    assert plan(large).encoding.options["preset"] == "ultrafast"


def test_each_of_several_streams_has_its_share_of_the_threads(
    video: VideoInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.system.host.cores", lambda: 16)
    assert plan(video).encoding.options["threads"] == "16"
    assert plan(video, share=1 / 5).encoding.options["threads"] == "4"


@pytest.mark.parametrize("pixel", ["yuv422p", "gbrp", "yuv444p", "gray", "yuva420p"])
def test_h264_is_of_the_format_that_every_player_shows(video: VideoInfo, pixel: str) -> None:
    assert plan(of(video, pixel)).made.pixel.name == "yuv420p"


def test_depth_that_is_lost_so_is_said_and_can_be_kept(video: VideoInfo) -> None:
    deep = of(video, "yuv420p10le")
    made = plan(deep)
    assert made.made.pixel.name == "yuv420p"
    assert made.notes == ("the result is yuv420p, as players expect of H.264; --pix-fmt yuv420p10le keeps 10 bit",)
    assert plan(deep, pix_fmt="yuv420p10le").made.pixel.depth == 10
    assert plan(deep, codec="libx265").made.pixel.depth == 10


def test_an_odd_size_is_padded_for_the_encoder_and_said(video: VideoInfo) -> None:
    made = plan(sized(video, 63, 49), model="identity")
    assert (made.made.width, made.made.height) == (63, 49)
    assert (made.encoding.format.width, made.encoding.format.height) == (64, 50)
    assert made.notes == ("libx264 does not take 63x49: the result is 64x50, its last column and row repeated",)


class TestFields:
    def test_are_left_alone_where_nothing_marks_them(self, video: VideoInfo) -> None:
        assert plan(video).deinterlacing is None

    def test_that_are_marked_become_pictures(self, video: VideoInfo) -> None:
        made = plan(replace(video, scan=FIELDS))
        assert made.deinterlacing is not None
        assert (made.deinterlacing.which, made.deinterlacing.top_first) == ("marked", False)
        assert made.encoding.rate == 25
        note = "it is interlaced, bottom field first: deinterlaced, a picture of each frame, a frame later"
        assert made.notes == (note,)

    def test_become_a_picture_each_on_the_same_clock(self, video: VideoInfo) -> None:
        made = plan(replace(video, scan=FIELDS), deinterlace="field")
        assert (made.encoding.rate, made.encoding.time_base) == (50, Fraction(1, 90_000))

    def test_are_taken_for_such_where_the_user_knows_better(self, video: VideoInfo) -> None:
        made = plan(video, deinterlace="frame")
        assert made.deinterlacing is not None
        assert (made.deinterlacing.which, made.deinterlacing.top_first) == ("all", True)

    def test_stay_combed_where_the_user_wants_it_and_that_is_said(self, video: VideoInfo) -> None:
        made = plan(replace(video, scan=FIELDS), deinterlace="off")
        assert made.deinterlacing is None
        assert made.notes == ("it is marked as interlaced: its combs are upscaled too (--deinterlace off)",)


def test_pictures_are_laid_upright(clip: Path, tmp_path: Path) -> None:
    source = rotated.tagged(clip, tmp_path / "rotated.mp4", rotated.QUARTER)
    made = plan(replace(probe(source).video, time_base=Fraction(1, 90_000)))
    assert made.turn is not None
    assert (made.video.format.width, made.given.width, made.made.width) == (64, 48, 96)


def test_what_can_t_be_is_refused_before_the_first_frame(video: VideoInfo) -> None:
    with pytest.raises(SettingsError, match="--pix-fmt gray16le: libx264 takes"):
        plan(video, pix_fmt="gray16le")


def test_nvdec_is_not_for_live_streams_and_that_is_said(video: VideoInfo) -> None:
    assert plan(video, decoder="nvdec").notes == ("decoded in software: live streams are not decoded by NVDEC",)
