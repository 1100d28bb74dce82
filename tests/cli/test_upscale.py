"""`uprez upscale` on one file: its options and its output."""

import json
from pathlib import Path

import pytest

from pipeline.media.reading.probe import probe
from tests import clips, interlaced
from tests.cli.conftest import Call

FAST = ("--model", "identity", "--backend", "onnx", "--preset", "ultrafast")


def test_output_has_a_default_name_and_a_summary_of_one_line(uprez: Call, clip: Path) -> None:
    ended = uprez("upscale", clip, *FAST)
    assert ended.code == 0
    assert "clip.x1.mkv: 12 frames in" in ended.out
    assert len(clips.shades(clip.with_name("clip.x1.mkv"))) == 12


def test_output_has_the_name_that_is_given(uprez: Call, clip: Path, tmp_path: Path) -> None:
    assert uprez("upscale", clip, tmp_path / "mine.mp4", *FAST).code == 0
    assert probe(tmp_path / "mine.mp4").container.startswith("mov")


def test_encoder_options_reach_the_encoder(uprez: Call, clip: Path, tmp_path: Path) -> None:
    sink = tmp_path / "out.mkv"
    options = ("--codec", "libx265", "--crf", "30", "--preset", "ultrafast", "-x", "tune=grain")
    assert uprez("upscale", clip, sink, "--model", "identity", "--backend", "onnx", *options).code == 0
    assert probe(sink).video.codec == "hevc"


def test_pixel_format_is_the_one_that_is_given(uprez: Call, clip: Path, tmp_path: Path) -> None:
    sink = tmp_path / "out.mkv"
    assert uprez("upscale", clip, sink, *FAST, "--pix-fmt", "yuv422p10le").code == 0
    assert probe(sink).video.source_format == "yuv422p10le"
    ended = uprez("upscale", clip, sink, *FAST, "--overwrite", "--pix-fmt", "yuv410p")
    assert (
        ended.code,
        "--pix-fmt yuv410p: libx264 does not support it; it supports yuv420p, yuv420p10le, " in ended.err,
    ) == (2, True)


def test_json_summary_is_printed_alone(uprez: Call, clip: Path) -> None:
    ended = uprez("upscale", clip, *FAST, "--json")
    summary = json.loads(ended.out)
    (done,) = summary["done"]
    assert (done["frames_in"], done["frames_out"], done["complete"]) == (12, 12, True)
    assert summary["schema_version"] == 1
    assert ended.err == ""


def test_the_summary_counts_repeated_frames_unless_dedup_is_off(uprez: Call, tmp_path: Path) -> None:
    source = interlaced.write(tmp_path / "in.mkv", [interlaced.luma_at(0, (64, 48))] * 5)
    summary = " ".join(uprez("upscale", source, *FAST).out.split())
    assert "5 frames in" in summary
    assert "4 repeated frames, upscaled once" in summary
    (done,) = json.loads(uprez("upscale", source, *FAST, "--overwrite", "--json").out)["done"]
    assert (done["frames_out"], done["frames_repeated"]) == (5, 4)
    assert "repeated" not in uprez("upscale", source, *FAST, "--overwrite", "--no-dedup").out


def test_json_is_set_by_a_config_file_or_an_option(uprez: Call, clip: Path, tmp_path: Path) -> None:
    config = tmp_path / "a.yaml"
    for text, options in (("json: true\n", ()), ("json: false\n", ("--json",))):
        config.write_text(text)
        ended = uprez("upscale", clip, *FAST, "--overwrite", "--config", config, *options)
        assert len(json.loads(ended.out)["done"]) == 1


def test_json_summary_contains_failures(uprez: Call, tmp_path: Path) -> None:
    ended = uprez("upscale", tmp_path / "nothing.mp4", "--json")
    assert ended.code == 2
    assert "no such file" in json.loads(ended.out)["failed"][0]["error"]


@pytest.mark.parametrize("name", ["[Grp] show [abc].mp4", "a [b] :smile: [red] c.mp4"])
def test_brackets_in_a_name_are_printed_as_they_are(uprez: Call, clip: Path, name: str) -> None:
    ended = uprez("upscale", clip.rename(clip.with_name(name)), *FAST)
    assert ended.code == 0
    assert name.replace(".mp4", ".x1.mkv") in ended.out


def test_quiet_prints_nothing(uprez: Call, clip: Path) -> None:
    ended = uprez("upscale", clip, *FAST, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "model: identity\nbackend: onnx\ncrf: 30\n"),
        ("a.toml", 'model = "identity"\nbackend = "onnx"\ncrf = 30\n'),
    ],
)
def test_options_override_the_config_file(uprez: Call, clip: Path, tmp_path: Path, name: str, text: str) -> None:
    config = tmp_path / name
    config.write_text(text)
    small, large = tmp_path / "small.mkv", tmp_path / "large.mkv"
    assert uprez("upscale", clip, small, "--config", config).code == 0
    assert uprez("upscale", clip, large, "--config", config, "--crf", "1").code == 0
    assert large.stat().st_size > small.stat().st_size
