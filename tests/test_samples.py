"""The samples run, and do what they say."""

import functools
import importlib.util
import itertools
import subprocess
import sys
import types
from pathlib import Path

import cv2
import numpy as np
import pytest

import pipeline
from tests import clips

FOLDER = Path(__file__).parent.parent / "samples"


def run(script: str, folder: Path, *arguments: object) -> str:
    command = [sys.executable, str(FOLDER / script), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_cancel_stops_a_job_and_keeps_a_playable_part(tmp_path: Path) -> None:
    source = clips.make(tmp_path / "long.mp4", frames=5000, audio=False)
    output = run("cancel.py", tmp_path, source)
    assert output.splitlines()[-1].endswith("frames, stopped early")
    assert 0 < len(clips.shades(tmp_path / "cancelled.partial.mkv")) < 5000


def test_stages_shows_every_upscaled_frame(tmp_path: Path) -> None:
    lines = run("stages.py", tmp_path, clips.make(tmp_path / "a.mp4", frames=3)).splitlines()
    assert len(lines) == 3
    assert all(f": 128x96 yuv420p, mean luma {clips.shade(index)}." in line for index, line in enumerate(lines))


def test_own_stage_darkens_the_edges(tmp_path: Path) -> None:
    source = clips.make(tmp_path / "a.mp4", frames=3, audio=False)
    run("own_stage.py", tmp_path, source, tmp_path / "out.mkv")
    for plain, frame in zip(pipeline.read_frames(source), pipeline.read_frames(tmp_path / "out.mkv"), strict=True):
        luma = frame.planes[0].astype(int)
        assert luma.shape == (96, 128)
        assert luma[48, 64] == pytest.approx(plain.planes[0][24, 32], abs=3)
        assert luma[0, 0] == pytest.approx(plain.planes[0][24, 32] / 2, abs=4)


def test_opencv_frames_writes_every_captured_frame_upscaled(tmp_path: Path) -> None:
    source = clips.make(tmp_path / "a.mp4", frames=3, audio=False)
    run("opencv_frames.py", tmp_path, source, tmp_path / "out")
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == ["00000.png", "00001.png", "00002.png"]
    for path, plain in zip(written, pipeline.read_rgb(source), strict=True):
        image = cv2.imread(str(path))
        assert image is not None
        assert image.shape == (96, 128, 3)
        assert image[48, 64, ::-1] == pytest.approx(plain[24, 32], abs=4)


def test_opencv_frames_names_a_source_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    import opencv_frames

    monkeypatch.setattr(sys, "argv", ["opencv_frames.py", str(tmp_path / "missing.mp4")])
    with pytest.raises(SystemExit, match=r"missing\.mp4: OpenCV can't open it"):
        opencv_frames.main()


def test_opencv_frames_shows_frames_until_escape_is_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    import opencv_frames

    shown: list[tuple[int, ...]] = []
    monkeypatch.setattr(pipeline, "Upscaler", functools.partial(pipeline.Upscaler, backend="onnx"))
    monkeypatch.setattr(cv2, "imshow", lambda title, image: shown.append(image.shape))
    monkeypatch.setattr(cv2, "waitKey", lambda delay: opencv_frames.ESCAPE if len(shown) == 2 else -1)
    monkeypatch.setattr(sys, "argv", ["opencv_frames.py", str(FOLDER / "clip.mp4"), "show"])
    opencv_frames.main()
    assert shown == [(360, 640, 3)] * 2


def test_torch_frames_names_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a GPU, tests/gpu/test_upscaler.py runs it."""
    monkeypatch.syspath_prepend(FOLDER)
    import torch_frames

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="this sample needs PyTorch for CUDA: pip install torch"):
        torch_frames.main()
    without_gpu = types.SimpleNamespace(cuda=types.SimpleNamespace(is_available=lambda: False))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "torch", without_gpu)
    with pytest.raises(SystemExit, match="this sample needs an NVIDIA GPU, and PyTorch for CUDA"):
        torch_frames.main()


def test_render_writes_what_the_scene_draws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    import render
    import scene

    first = next(scene.originals())
    assert first.shape == (scene.HEIGHT, scene.WIDTH, 3)
    shown = next(pipeline.read_rgb(FOLDER / "clip.mp4"))
    assert pipeline.psnr(shown, render.shrunk(first)) > 30


def test_demo_writes_a_video_an_image_and_figures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a small network and a plain original: those of the demo take a minute on two cores."""
    monkeypatch.syspath_prepend(FOLDER)
    import demo

    upscale = functools.partial(pipeline.upscale, model="srvgg-4x1", backend="onnx")
    monkeypatch.setattr(pipeline, "upscale", upscale)
    monkeypatch.setattr(demo, "originals", lambda: itertools.repeat(np.zeros((360, 640, 3), np.uint8), 60))
    monkeypatch.setattr(sys, "argv", ["demo.py", str(tmp_path)])
    demo.main()
    assert {path.name for path in tmp_path.iterdir()} == {"clip.x2.mkv", "before-after.png"}
    assert "PSNR-Y against the original: bicubic " in capsys.readouterr().out


def test_watch_records_a_stream_in_real_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until something is written: the sample itself watches for 20 seconds."""
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.chdir(tmp_path)
    import watch

    started: list[pipeline.Live] = []
    report, live = watch.report, pipeline.Live

    def start(settings: pipeline.LiveSettings) -> pipeline.Live:
        started.append(live(settings))
        return started[-1]

    def stop_after_a_frame(figures: pipeline.LiveFigures) -> None:
        report(figures)
        if figures.streams[0].outputs[0].packets:
            started[0].stop()

    monkeypatch.setattr(pipeline, "Live", start)
    monkeypatch.setattr(watch, "report", stop_after_a_frame)
    monkeypatch.setattr(sys, "argv", ["watch.py", str(clips.make(tmp_path / "a.mp4", frames=24))])
    watch.main()
    assert "frames" in capsys.readouterr().out
    (recorded,) = tmp_path.glob("watched*.mkv")
    assert clips.shades(recorded)
