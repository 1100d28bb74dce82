"""The encoder of an output and its options are chosen from settings, source and container."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.settings import Settings
from pipeline.errors import SettingsError
from pipeline.frame import PIXEL_FORMATS
from pipeline.media.reading.media_info import VideoInfo
from pipeline.media.reading.probe import probe
from pipeline.media.writing.encoder_choice import choose_encoder, fixed_encoding
from pipeline.media.writing.output_kind import find_output_kind


@pytest.fixture
def video(clip: Path) -> VideoInfo:
    return probe(clip).video


def settings(**options: Any) -> Settings:
    return Settings.load(None, backend="onnx", **options)


def test_a_named_encoder_is_taken_without_a_note(video: VideoInfo) -> None:
    encoding, note = choose_encoder(
        replace(video, format=video.format.enlarged(2)), settings(codec="libx264", crf=20, preset="fast"), Path("a.mkv")
    )
    assert (encoding.codec, encoding.options["crf"], encoding.options["preset"], note) == (
        "libx264",
        "20",
        "fast",
        None,
    )
    assert (encoding.format.width, encoding.format.height) == (2 * video.format.width, 2 * video.format.height)


def test_the_automatic_choice_is_noted_with_its_reason(video: VideoInfo) -> None:
    encoding, note = choose_encoder(video, settings(codec="auto"), Path("a.webm"))
    assert encoding.codec == "libsvtav1"
    assert note == "encoded by libsvtav1: WebM supports AV1"


def test_options_of_the_user_override_the_quality_setting(video: VideoInfo) -> None:
    encoding, _ = choose_encoder(video, settings(codec="libx264", options={"qp": "0"}), Path("a.mkv"))
    assert "crf" not in encoding.options
    assert encoding.options["qp"] == "0"


@pytest.mark.parametrize(("alias", "encoder"), [("h264", "libx264"), ("hevc", "libx265"), ("prores", "prores_ks")])
def test_an_alias_has_the_defaults_of_its_encoder(video: VideoInfo, alias: str, encoder: str) -> None:
    chosen, _ = choose_encoder(video, settings(codec=alias), Path("a.mov"))
    assert (chosen.codec, chosen) == (encoder, choose_encoder(video, settings(codec=encoder), Path("a.mov"))[0])


@pytest.mark.parametrize(
    ("codec", "crf", "message"),
    [
        ("libx264", 52, "`crf=52`: libx264 supports 0 to 51"),
        ("auto", 51.5, "`crf=51.5`: libx264 supports 0 to 51"),
        ("h265", 63, "`crf=63`: libx265 supports 0 to 51"),
        ("av1", 0, "`crf=0`: libsvtav1 supports 1 to 63"),
        ("h264_nvenc", 0, "`crf=0`: h264_nvenc supports 1 to 51"),
    ],
)
def test_a_quality_that_the_encoder_does_not_have_is_refused(
    video: VideoInfo, codec: str, crf: float, message: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{re.escape(message)}$"):
        choose_encoder(video, settings(codec=codec, crf=crf), Path("a.mkv"))


@pytest.mark.parametrize(("codec", "crf"), [("libx264", 0), ("libx264", 51), ("av1", 63), ("vp9", 63)])
def test_the_ends_of_the_quality_range_are_accepted(video: VideoInfo, codec: str, crf: float) -> None:
    chosen, _ = choose_encoder(video, settings(codec=codec, crf=crf), Path("a.mkv"))
    assert chosen.options["crf"] == str(crf)


def test_a_preset_of_another_encoder_is_ignored_by_the_automatic_choice(video: VideoInfo) -> None:
    encoding, _ = choose_encoder(video, settings(codec="auto", preset="veryfast"), Path("a.webm"))
    assert encoding.options["preset"] != "veryfast"


def test_alpha_is_dropped_where_the_container_does_not_support_it(video: VideoInfo) -> None:
    transparent = replace(video, format=replace(video.format, pixel=PIXEL_FORMATS["yuva420p"]))
    pixels = [
        choose_encoder(transparent, settings(codec="libvpx-vp9"), Path(name))[0].format.pixel.alpha
        for name in ("a.webm", "a.mp4")
    ]
    assert pixels == [True, False]


def test_a_kind_with_one_codec_refuses_another_and_notes_unused_settings(video: VideoInfo) -> None:
    kind = find_output_kind(Path("a.png"), video.format)
    assert kind is not None
    encoding, note = fixed_encoding(kind, video, settings(crf=20), Path("a.png"))
    assert (encoding.codec, note) == ("png", "`crf`: no effect on png")
    with pytest.raises(SettingsError, match=r"^`codec=libx264`: png has a single codec; leave the option out$"):
        fixed_encoding(kind, video, settings(codec="libx264"), Path("a.png"))
