"""The scripts in benchmarks/ run, and write their reports."""

import importlib.util
import json
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

import pipeline

FOLDER = Path(__file__).parent.parent / "benchmarks"
SMALL = ("--backend", "onnx", "--model", "identity", "--size", "64x48")


Run = Callable[..., str]
Report = Callable[..., dict[str, Any]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs a script of the folder in this process, which has imported the libraries, and returns what it prints."""
    monkeypatch.syspath_prepend(FOLDER)
    handler = signal.getsignal(signal.SIGTERM)

    def call(script: str, *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", [str(FOLDER / script), *map(str, arguments)])
        code: object = 0
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        assert not code, printed.err
        return printed.out

    yield call
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def report(run: Run, tmp_path: Path) -> Report:
    """Runs a script, and returns the report that it saves."""

    def call(script: str, *arguments: object) -> dict[str, Any]:
        run(script, *arguments, "--save", tmp_path / "report.json")
        return dict(json.loads((tmp_path / "report.json").read_text()))

    return call


@pytest.mark.parametrize("script", sorted(path.name for path in FOLDER.glob("*.py")))
def test_each_script_has_a_usage_message(run: Run, script: str) -> None:
    assert "usage" in run(script, "--help")


def test_steady_reports_growth_threads_and_samples(report: Report) -> None:
    found = report("steady.py", *SMALL, "--frames", 60)
    assert found["frames"] == 60
    assert found["samples"][-1]["frames"] == 60
    assert found["threads_after"] <= found["threads_before"] + 1


def test_start_reports_every_step_up_to_the_first_frame(report: Report) -> None:
    (start,) = report("start.py", *SMALL, "--runs", 1)["starts"]
    assert list(start["steps"]) == ["interpreter", "imports", "probe", "plan", "files", "session", "first frame"]
    assert sum(start["steps"].values()) == pytest.approx(start["first_frame"])
    assert start["first_frame"] < start["end"]


def test_gops_compares_parallel_encoders_with_one(report: Report) -> None:
    options = ("--size", "128x96", "--presets", "ultrafast", "--encoders", "2", "--seconds", "0.2")
    found = report("gops.py", *options)
    assert [entry["encoders"] for entry in found["entries"]] == [1, 2]


def test_gops_compares_files_of_a_clip(report: Report, clip: Path) -> None:
    options = ("--size", "128x96", "--presets", "ultrafast", "--encoders", "2", "--seconds", "0.2", "--clip", clip)
    found = report("gops.py", *options)
    assert [entry["made"]["frames"] for entry in found["entries"]] == [12, 12]
    assert all(entry["made"]["psnr"] > 30 for entry in found["entries"])


def test_gpus_measures_each_list_of_devices(report: Report) -> None:
    found = report("gpus.py", *SMALL, "--devices", "0", "--seconds", "0.2")
    (entry,) = found["entries"]
    assert entry["engine"]["rate"] > 0
    assert entry["discarded"]["share"] > 0


def test_streams_finds_how_many_are_carried(report: Report) -> None:
    options = ("--backend", "onnx", "--models", "identity", "--size", "64x48", "--decode", "--encode", "ultrafast")
    found = report("streams.py", *options, "--seconds", "0.2", "--most", "1")
    assert found["entries"][0]["trials"]


def test_peers_times_uprez_in_a_process_of_its_own(report: Report) -> None:
    options = ("--device", "cpu", "--sizes", "64x48", "--networks", "srvgg-4x1", "--only", "uprez", "--seconds", "0.2")
    found = report("peers.py", *options)
    (entry,) = found["entries"]
    assert entry["reason"] is None
    assert entry["encoded"]["rate"] > 0


def test_engines_measures_pytorch_or_reports_why_it_can_not(report: Report) -> None:
    options = ("--device", "cpu", "--sizes", "64x48", "--networks", "srvgg-4x1", "--modes", "eager", "--seconds", "0.1")
    found = report("engines.py", *options)
    if importlib.util.find_spec("torch"):
        assert found["pytorch"][0]["rate"] > 0
    else:
        assert found["problem"].endswith("No module named 'torch'")


def test_overlap_reports_how_long_tracks_work_at_the_same_time(report: Report, tmp_path: Path) -> None:
    tracks = {1: ("GPU 0", "copy in"), 2: ("GPU 0", "compute 0"), 3: ("GPU 0", "compute 1"), 4: ("threads", "decode")}
    events: list[dict[str, Any]] = []
    for number, (group, track) in tracks.items():
        pid = 1 if group == "GPU 0" else 2
        events.append({"ph": "M", "name": "process_name", "pid": pid, "args": {"name": group}})
        events.append({"ph": "M", "name": "thread_name", "pid": pid, "tid": number, "args": {"name": track}})
    spans = [(1, "copy in", 0, 2000), (2, "fused kernels", 1000, 4000), (3, "fused kernels", 3000, 5000)]
    for tid, name, begin, duration in [*spans, (4, "decode", 0, 10000)]:
        pid = 2 if tid == 4 else 1
        events.append({"ph": "X", "pid": pid, "tid": tid, "name": name, "ts": begin, "dur": duration})
    (tmp_path / "trace.json").write_text(json.dumps({"traceEvents": events}))
    found = report("overlap.py", tmp_path / "trace.json")
    assert found["milliseconds"] == 10
    assert {track["name"]: track["busy"] for track in found["tracks"]} == {
        "GPU 0, copy in": 2,
        "GPU 0, compute 0": 4,
        "GPU 0, compute 1": 5,
        "threads, decode": 10,
    }
    assert {(pair["first"], pair["second"]): pair["both"] for pair in found["pairs"]} == {
        ("copy in", "compute"): 1,
        ("compute 0", "compute 1"): 2,
        ("decode", "compute"): 7,
        ("decode", "copy in"): 2,
    }
    assert found["names"] == {"copy in": 1, "decode": 1, "fused kernels": 2}


def test_draw_makes_an_svg_of_a_trace(run: Run, tmp_path: Path) -> None:
    event = {"ph": "X", "pid": 1, "tid": 1, "name": "decode", "ts": 0, "dur": 5000}
    names = [
        {"ph": "M", "name": "process_name", "pid": 1, "args": {"name": "threads"}},
        {"ph": "M", "name": "thread_name", "pid": 1, "tid": 1, "args": {"name": "decode"}},
    ]
    (tmp_path / "trace.json").write_text(json.dumps({"traceEvents": [*names, event]}))
    run("draw.py", tmp_path / "trace.json", tmp_path / "out.svg")
    assert (tmp_path / "out.svg").read_text().startswith("<svg")


def test_handover_reports_the_time_of_each_thread(report: Report) -> None:
    found = report("handover.py", "--frames", 60, "--runs", 3)
    assert len(found["rates"]) == 3
    assert found["median"]["rate"] == sorted(found["rates"])[1]
    assert [thread["name"] for thread in found["median"]["threads"]] == ["decode", "submit", "upscale"]
    assert all(thread["cpu"] > 0 for thread in found["median"]["threads"])


def test_models_measures_the_quality_of_a_network_and_of_bicubic(report: Report, tmp_path: Path, clip: Path) -> None:
    save_image(tmp_path / "set5" / "one.png", 65, 49)
    quality = ("--only", "quality", "--models", "clear-x2", "--set5", tmp_path / "set5", "--original", clip)
    outputs = ("--pictures", tmp_path / "images", "--table", tmp_path / "table.md")
    found = report("models.py", *quality, *outputs, "--frames", 2, 5, "--cut", "32x24+8+8")
    (network,) = found["networks"]
    assert network["scale"] == 2
    assert network["quality"]["set5"] > found["bicubic"]["2"]["set5"] > 20
    assert network["quality"]["clip"] > 20
    table = (tmp_path / "table.md").read_text()
    assert f"| `clear-x2` | x2 | 92,372 | {network['quality']['set5']:.2f} | " in table
    assert "![clear-x2](images/models/clear-x2.jpg)" in table
    images = {path.name: decoded_image(path) for path in (tmp_path / "images").iterdir()}
    assert images.keys() == {"original.jpg", "bicubic-x2.jpg", "clear-x2.jpg"}
    assert {image.shape for image in images.values()} == {(24, 32, 3)}


def test_models_compares_a_network_that_enlarges_nothing_with_its_source(report: Report, clip: Path) -> None:
    found = report("models.py", "--models", "identity", "--original", clip, "--frames", 2)
    assert found["networks"][0]["quality"]["set5"] is None
    assert found["networks"][0]["quality"]["clip"] == pytest.approx(found["bicubic"]["1"]["clip"], abs=0.01)


def test_models_measures_one_rate_for_networks_of_the_same_graph(report: Report, tmp_path: Path) -> None:
    rates = ("--only", "rates", "--backend", "onnx", "--sizes", "64x48", "--seconds", "0.05")
    twin = tmp_path / "twin.onnx"
    model = onnx.load(pipeline.find_model("srvgg-4x1", "fp32").path)
    for weight in model.graph.initializer:
        if len(weight.dims) == 4:  # of a convolution
            values = onnx.numpy_helper.to_array(weight) * np.float32(0.99)
            weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(model, twin)
    found = report("models.py", *rates, "--models", f"srvgg-4x1,srvgg-4x2,{twin}")
    rate, other, same = (network["rates"]["64x48"] for network in found["networks"])
    assert rate["frames_per_second"] > 0
    assert (rate["same_as"], other["same_as"], same["same_as"]) == (None, None, "srvgg-4x1")
    assert same["frames_per_second"] == rate["frames_per_second"] != other["frames_per_second"]


def test_models_completes_an_earlier_report(report: Report, tmp_path: Path, clip: Path) -> None:
    chosen = ("--models", "srvgg-4x1")
    first = report("models.py", *chosen, "--only", "quality", "--original", clip, "--frames", 2)
    rates = ("--earlier", tmp_path / "report.json", "--only", "rates", "--backend", "onnx", "--sizes", "64x48")
    both = report("models.py", *chosen, *rates, "--seconds", "0.05", "--table", tmp_path / "table.md")
    assert both["networks"][0]["quality"] == first["networks"][0]["quality"]
    assert both["networks"][0]["rates"]["64x48"]["frames_per_second"] > 0
    assert both["material"] == first["material"]
    assert "| clip, dB | 64x48, frames/s | licence |" in (tmp_path / "table.md").read_text()


def test_models_begins_no_rate_when_the_time_is_over(report: Report) -> None:
    rates = ("--only", "rates", "--backend", "onnx", "--sizes", "64x48", "--minutes", "-1")
    found = report("models.py", *rates, "--models", "srvgg-4x1")
    assert found["networks"][0]["rates"]["64x48"]["frames_per_second"] is None
    assert "not begun" in found["networks"][0]["rates"]["64x48"]["reason"]


def test_models_refuses_frames_that_the_clip_lacks(clip: Path) -> None:
    command = [sys.executable, str(FOLDER / "models.py"), "--models", "identity", "--original", str(clip)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert ended.returncode == 2
    assert ended.stderr.endswith("has no frame 36: choose other --frames\n")


def save_image(path: Path, width: int, height: int) -> None:
    """Write an image with letters, whose edges a network restores better than bicubic."""
    path.parent.mkdir()
    image = np.full((height, width, 3), 40, np.uint8)
    cv2.putText(image, "uprez", (4, height // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (200, 220, 180), 2, cv2.LINE_AA)
    assert cv2.imwrite(str(path), image)


def decoded_image(path: Path) -> np.ndarray[Any, Any]:
    image = cv2.imread(str(path))
    assert image is not None
    return image
