"""probe, models, doctor, bench: they run, and say what they should."""

import json
from pathlib import Path

import pytest

from pipeline.diagnostics.report import BenchmarkReport
from pipeline.superres.gpu.tensorrt.engine import EngineKey, Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from tests import hdr_clips
from tests.cli.conftest import Call


def test_probe_tells_streams_rate_colour_and_plan(uprez: Call, clip: Path) -> None:
    ended = uprez("probe", clip, "--backend", "onnx")
    assert ended.code == 0
    for words in (
        "h264, 64x48 yuv420p, 12 frames",
        "25 = 25.000",
        "smpte170m (not tagged: by its size)",
        "aac, 48000 Hz",
    ):
        assert words in ended.out
    for words in ("clip.x2.mkv, 128x96 yuv420p", "libx264 crf=17 preset=medium", "about", "free"):
        assert words in ended.out


def test_probe_for_programs(uprez: Call, clip: Path) -> None:
    told = json.loads(uprez("probe", clip, "--backend", "onnx", "--json").out)
    assert told["video"]["rate"] == "25"
    assert told["plan"]["scale"] == 2
    assert told["plan"]["memory"] > 0


def test_probe_tells_what_hdr_says(uprez: Call, tmp_path: Path) -> None:
    clip = hdr_clips.dolby_vision(
        hdr_clips.graded(tmp_path / "hdr.mp4"), tmp_path / "dolby.mp4", profile=8, compatible=1
    )
    said = uprez("probe", clip, "--backend", "onnx").out
    assert "0.005 to 1000 cd/m2, MaxCLL 993, MaxFALL 401" in said
    assert "Dolby Vision (profile 8): not carried over" in said
    told = json.loads(uprez("probe", clip, "--backend", "onnx", "--json").out)["video"]
    assert told["hdr"]["primaries"][0] == [0.68, 0.32]
    assert told["hdr"]["luminance"] == [0.005, 1000]
    assert (told["hdr"]["max_cll"], told["hdr"]["max_fall"]) == (993, 401)
    assert told["dynamic_hdr"] == ["Dolby Vision (profile 8)"]


def test_probe_of_ordinary_video_tells_no_hdr(uprez: Call, clip: Path) -> None:
    assert "HDR" not in uprez("probe", clip, "--backend", "onnx").out
    assert json.loads(uprez("probe", clip, "--backend", "onnx", "--json").out)["video"]["hdr"] is None


def test_models_are_listed_with_scale_size_and_licence(uprez: Call) -> None:
    ended = uprez("models")
    assert ended.code == 0
    for word in ("clear-x2 (default)", "x2", "CC0-1.0", "identity", "srvgg-FxC"):
        assert word in ended.out


def test_doctor_names_a_command_for_what_is_missing(uprez: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pipeline.system.cuda.unavailable_reason", lambda: "no NVIDIA driver: install the driver of your GPU"
    )
    ended = uprez("doctor")
    assert ended.code == 0
    assert "install the driver of your GPU" in ended.out
    assert "ONNX Runtime" in ended.out


def test_version(uprez: Call) -> None:
    assert uprez("--version").out.startswith("uprez 0.")


class TestEngine:
    def test_without_a_gpu_none_can_be_built(self, uprez: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "pipeline.system.cuda.unavailable_reason", lambda: "no NVIDIA driver: install the driver of your GPU"
        )
        ended = uprez("engine", "build", "--size", "64x48")
        assert (ended.code, "install the driver" in ended.err) == (2, True)

    @pytest.mark.parametrize(
        "options",
        [
            (),
            ("--size", "big"),
            ("--shapes", "32x32,64x64"),
            ("--shapes", "64x64,32x32,96x96"),
            ("--size", "64x64", "--shapes", "1x1,2x2,3x3"),
        ],
    )
    def test_sizes_that_are_none(self, uprez: Call, options: tuple[str, ...]) -> None:
        ended = uprez("engine", "build", *options)
        assert ended.code == 2
        assert len(ended.err.strip().splitlines()) == 1

    def test_those_that_are_kept_are_listed_and_removed(self, uprez: Call) -> None:
        key = EngineKey("abc", "fp16", "rtx", "1.6", "A GPU", "9.0", "13.0", Shapes.fixed(180, 320))
        EngineCache().fetch(key, "my network", bytes, lambda: b"engine")
        listed = uprez("engine", "list").out
        assert all(words in listed for words in ("my network", "320x180", "A GPU", "not for this machine"))
        assert "1 engine removed" in uprez("engine", "clean").out
        assert "my network" not in uprez("engine", "list").out


class TestBench:
    def test_a_trace_for_perfetto(self, uprez: Call, tmp_path: Path) -> None:
        options = ("--model", "identity", "--backend", "onnx", "--size", "64x48", "--seconds", "0.1")
        assert uprez("bench", *options, "--trace", tmp_path / "trace.json").code == 0
        events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
        assert {event["name"] for event in events if event["ph"] == "X"} == {"decode", "submit", "upscale"}

    def test_a_table_and_a_report_that_can_be_compared_with(self, uprez: Call, tmp_path: Path) -> None:
        saved = tmp_path / "report.json"
        options = ("--model", "identity", "--backend", "onnx", "--size", "64x48", "--seconds", "0.1")
        first = uprez("bench", *options, "--save", saved)
        assert first.code == 0
        report = BenchmarkReport.model_validate_json(saved.read_text())
        names = [row.name for row in report.rows]
        assert names == ["decode", "engine", "encode", "decode + encode", "discarded", "encoded"]
        assert all(row.rate > 0 for row in report.rows)
        assert all((row.share is not None) == (row.name in ("discarded", "encoded")) for row in report.rows)
        second = uprez("bench", *options, "--compare", saved)
        assert "ratio" in second.out

    def test_without_an_encoder(self, uprez: Call) -> None:
        options = ("--model", "identity", "--backend", "onnx", "--size", "64x48", "--seconds", "0.1", "--discard")
        report = BenchmarkReport.model_validate_json(uprez("bench", *options, "--json").out)
        assert [row.name for row in report.rows] == ["decode", "engine", "discarded"]

    def test_a_clip_of_ones_own(self, uprez: Call, clip: Path) -> None:
        ended = uprez("bench", clip, "--model", "identity", "--backend", "onnx", "--seconds", "0.1", "--json")
        assert BenchmarkReport.model_validate_json(ended.out).clip == "clip.mp4"

    def test_the_schema_is_told(self, uprez: Call) -> None:
        assert "rows" in json.loads(uprez("bench", "--schema").out)["properties"]

    @pytest.mark.parametrize("size", ["big", "100", "15x15", "641x480"])
    def test_a_bad_size(self, uprez: Call, size: str) -> None:
        ended = uprez("bench", "--size", size)
        assert (ended.code, "WIDTHxHEIGHT" in ended.err) == (2, True)

    def test_a_report_that_is_none(self, uprez: Call, clip: Path) -> None:
        ended = uprez("bench", "--compare", clip)
        assert (ended.code, "not a report" in ended.err) == (2, True)
