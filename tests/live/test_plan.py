"""The plan of a scene of a live stream."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.config.live_settings import StreamSettings
from pipeline.errors import SettingsError
from pipeline.frame import PIXEL_FORMATS
from pipeline.live.plan import LivePlan, check_live, plan_live
from pipeline.media.reading.interlacing import Scan
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.probe import probe
from tests import rotated

FIELDS = Scan(interlaced=True, top_first=False)


@pytest.fixture
def video(clip: Path) -> VideoInfo:
    return replace(probe(clip).video, time_base=Fraction(1, 90_000))


def plan(video: VideoInfo, share: float = 1.0, **options: object) -> LivePlan:
    settings = {"source": "rtsp://camera/1", "model": "srvgg-24x8", "backend": "onnx"} | options
    return plan_live(video, StreamSettings.model_validate(settings), share)


def with_size(video: VideoInfo, width: int, height: int) -> VideoInfo:
    return replace(video, format=replace(video.format, width=width, height=height))


def with_format(video: VideoInfo, pixel: str) -> VideoInfo:
    return replace(video, source_format=pixel, format=replace(video.format, pixel=PIXEL_FORMATS[pixel]))


def test_the_encoder_is_configured_for_low_delay(video: VideoInfo) -> None:
    live_plan = plan(video)
    assert live_plan.encoding.codec == "libx264"
    assert live_plan.encoding.options["tune"] == "zerolatency"
    assert live_plan.encoding.options["crf"] == "21"
    assert (live_plan.encoding.time_base, live_plan.encoding.rate) == (Fraction(1, 90_000), Fraction(25))
    assert (live_plan.output_format.width, live_plan.output_format.height) == (128, 96)
    assert live_plan.notes == ()


def test_a_stream_has_the_size_that_was_set(video: VideoInfo) -> None:
    live_plan = plan(replace(video, sample_aspect=Fraction(4, 3)), height=96)
    assert (live_plan.output_format.width, live_plan.output_format.height) == (170, 96)
    assert live_plan.encoding.sample_aspect == 1
    assert plan(video, scale=4).model.name == "srvgg-24x8 twice"


def test_options_of_the_user_override_the_defaults(video: VideoInfo) -> None:
    options = plan(video, crf=30, preset="slow", options={"tune": "film"}).encoding.options
    assert (options["crf"], options["preset"], options["tune"]) == ("30", "slow", "film")
    assert "crf" not in plan(video, options={"b": "4M"}).encoding.options


def test_encoder_parameters_of_the_user_come_after_those_for_low_delay(video: VideoInfo) -> None:
    live_plan = plan(video, codec="libsvtav1", options={"svtav1-params": "tune=0"})
    parameters = live_plan.encoding.options["svtav1-params"]
    assert parameters.startswith("pred-struct=1:")
    assert parameters.endswith(":tune=0")


def test_the_preset_depends_on_pixels_and_cores(video: VideoInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.system.host.cores", lambda: 16)
    small, large = with_size(video, 480, 270), with_size(video, 1920, 1080)
    assert plan(small).encoding.options["preset"] == "veryfast"
    assert plan(small, share=1 / 8).encoding.options["preset"] == "veryfast"
    assert plan(small, share=1 / 16).encoding.options["preset"] == "ultrafast"
    assert plan(large).encoding.options["preset"] == "ultrafast"


def test_the_encoder_has_as_many_threads_as_the_stream_s_share_of_cores(
    video: VideoInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.system.host.cores", lambda: 16)
    assert plan(video).encoding.options["threads"] == "16"
    assert plan(video, share=1 / 5).encoding.options["threads"] == "4"


@pytest.mark.parametrize("pixel", ["yuv422p", "gbrp", "yuv444p", "gray", "yuva420p"])
def test_h264_is_encoded_as_yuv420p_which_every_player_supports(video: VideoInfo, pixel: str) -> None:
    assert plan(with_format(video, pixel)).output_format.pixel.name == "yuv420p"


def test_a_loss_of_depth_is_noted_and_can_be_avoided(video: VideoInfo) -> None:
    deep = with_format(video, "yuv420p10le")
    live_plan = plan(deep)
    assert live_plan.output_format.pixel.name == "yuv420p"
    assert live_plan.notes == ("the output is yuv420p, as players expect of H.264; `pix_fmt` yuv420p10le keeps 10 bit",)
    kept = plan(deep, pix_fmt="yuv420p10le")
    assert kept.output_format.pixel.depth == 10
    assert kept.notes == ('few players show 10 bit in H.264; more do in H.265: `codec="h265"`',)
    assert plan(deep, codec="libx265").output_format.pixel.depth == 10


def test_an_alias_of_h264_is_encoded_as_yuv420p_at_low_delay_too(video: VideoInfo) -> None:
    encodings = [plan(with_format(video, "yuv444p"), codec=codec).encoding for codec in ("h264", "libx264")]
    assert encodings[0] == encodings[1]


def test_a_quality_that_the_encoder_does_not_have_is_refused_before_the_first_frame() -> None:
    with pytest.raises(SettingsError, match=r"^`crf=60`: libx264 supports 0 to 51$"):
        check_live(StreamSettings.model_validate({"source": "webcam:0", "backend": "onnx", "codec": "x264", "crf": 60}))


def test_an_odd_size_is_padded_for_the_encoder_and_noted(video: VideoInfo) -> None:
    live_plan = plan(with_size(video, 63, 49), model="identity")
    assert (live_plan.output_format.width, live_plan.output_format.height) == (63, 49)
    assert (live_plan.encoding.format.width, live_plan.encoding.format.height) == (64, 50)
    assert live_plan.notes == (
        "libx264 does not accept 63x49: the output is 64x50, with the last column and row repeated",
    )


class TestDeinterlacing:
    def test_deinterlacing_is_off_for_video_that_is_not_flagged(self, video: VideoInfo) -> None:
        assert plan(video).deinterlacing is None

    def test_flagged_video_is_deinterlaced_to_one_frame_per_frame(self, video: VideoInfo) -> None:
        live_plan = plan(replace(video, scan=FIELDS))
        assert live_plan.deinterlacing is not None
        assert (live_plan.deinterlacing.which, live_plan.deinterlacing.top_first) == ("marked", False)
        assert live_plan.encoding.rate == 25
        note = "it is interlaced, bottom field first: deinterlaced, one frame per frame, one frame later"
        assert live_plan.notes == (note,)

    def test_deinterlacing_to_fields_keeps_the_clock(self, video: VideoInfo) -> None:
        live_plan = plan(replace(video, scan=FIELDS), deinterlace="field")
        assert (live_plan.encoding.rate, live_plan.encoding.time_base) == (Fraction(50), Fraction(1, 90_000))

    def test_requested_deinterlacing_applies_to_video_that_is_not_flagged(self, video: VideoInfo) -> None:
        live_plan = plan(video, deinterlace="frame")
        assert live_plan.deinterlacing is not None
        assert (live_plan.deinterlacing.which, live_plan.deinterlacing.top_first) == ("all", True)

    def test_deinterlacing_that_is_switched_off_is_noted(self, video: VideoInfo) -> None:
        live_plan = plan(replace(video, scan=FIELDS), deinterlace="off")
        assert live_plan.deinterlacing is None
        note = "it is flagged as interlaced: combing artifacts are upscaled too (`deinterlace` is off)"
        assert live_plan.notes == (note,)


def test_frames_are_rotated_as_their_display_matrix_requires(clip: Path, tmp_path: Path) -> None:
    source = rotated.with_matrix(clip, tmp_path / "rotated.mp4", rotated.QUARTER)
    live_plan = plan(replace(probe(source).video, time_base=Fraction(1, 90_000)))
    assert live_plan.rotation is not None
    assert (live_plan.video.format.width, live_plan.input_format.width, live_plan.output_format.width) == (64, 48, 96)


def test_an_unsupported_pixel_format_is_refused_before_the_first_frame(video: VideoInfo) -> None:
    with pytest.raises(SettingsError, match="`pix_fmt=gray16le`: libx264 does not support it"):
        plan(video, pix_fmt="gray16le")


def test_nvdec_is_not_supported_which_is_noted(video: VideoInfo) -> None:
    assert plan(video, decoder="nvdec").notes == ("decoded in software: NVDEC is not supported for live streams",)
