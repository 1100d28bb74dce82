"""`uprez probe`: what it prints."""

import json
from pathlib import Path

from tests import hdr_clips
from tests.cli.conftest import Call


def test_probe_reports_streams_rate_colour_and_plan(uprez: Call, clip: Path) -> None:
    ended = uprez("probe", clip, "--backend", "onnx")
    assert ended.code == 0
    for words in (
        "h264, 64x48 yuv420p, 12 frames",
        "25 = 25.000",
        "smpte170m (not tagged: derived from the size)",
        "aac, 48000 Hz",
    ):
        assert words in ended.out
    for words in ("clip.x2.mkv, 128x96 yuv420p", "libx264 crf=17 preset=medium", "about", "free"):
        assert words in ended.out


def test_probe_prints_json(uprez: Call, clip: Path) -> None:
    report = json.loads(uprez("probe", clip, "--backend", "onnx", "--json").out)
    assert report["video"]["rate"] == "25"
    assert report["plan"]["scale"] == 2
    assert report["plan"]["memory"] > 0
    assert report["plan"]["bottleneck"] in ("the model", "the encoder")


def test_probe_shows_the_passes_that_lead_to_a_size(uprez: Call, clip: Path) -> None:
    options = ("--backend", "onnx", "--height", "144", "--strength", "0.7")
    message = uprez("probe", clip, *options).out
    assert "clip.144p.mkv, 192x144 yuv420p" in message
    assert "clear-x2 twice (x4, fp32, RGB 0..1)" in message
    assert "from 256x192 to 192x144" in message
    assert "0.7, and 0.3 of the source, resampled" in message
    plan = json.loads(uprez("probe", clip, *options, "--json").out)["plan"]
    assert (plan["networks"], plan["resampled_from"]) == (["clear-x2", "clear-x2"], [256, 192])
    assert (plan["strength"], plan["sample_aspect"]) == (0.7, "1")


def test_probe_names_the_option_of_a_size_that_is_refused(uprez: Call, clip: Path) -> None:
    ended = uprez("probe", clip, "--height", "144", "--fit", "10x10")
    assert ended.code == 2
    assert "--fit" in ended.err
    assert "without --height" in ended.err


def test_probe_prints_renamed_keys_of_its_json_under_both_names(uprez: Call, clip: Path) -> None:
    plan = json.loads(uprez("probe", clip, "--backend", "onnx", "--json").out)["plan"]
    assert plan["wall"] == plan["bottleneck"]
    assert plan["turned"] == plan["rotation"]


def test_probe_reports_hdr_metadata(uprez: Call, tmp_path: Path) -> None:
    clip = hdr_clips.dolby_vision(
        hdr_clips.graded(tmp_path / "hdr.mp4"), tmp_path / "dolby.mp4", profile=8, compatible=1
    )
    message = uprez("probe", clip, "--backend", "onnx").out
    assert "0.005 to 1000 cd/m2, MaxCLL 993, MaxFALL 401" in message
    assert "Dolby Vision (profile 8): not carried over" in message
    report = json.loads(uprez("probe", clip, "--backend", "onnx", "--json").out)["video"]
    assert report["hdr"]["primaries"][0] == [0.68, 0.32]
    assert report["hdr"]["luminance"] == [0.005, 1000]
    assert (report["hdr"]["max_cll"], report["hdr"]["max_fall"]) == (993, 401)
    assert report["dynamic_hdr"] == ["Dolby Vision (profile 8)"]


def test_probe_of_sdr_video_reports_no_hdr(uprez: Call, clip: Path) -> None:
    assert "HDR" not in uprez("probe", clip, "--backend", "onnx").out
    assert json.loads(uprez("probe", clip, "--backend", "onnx", "--json").out)["video"]["hdr"] is None
