"""Measurements of the stages of a job. What they find is not tested: timing never decides a test."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.diagnostics.stage_benchmark import StageBenchmark
from pipeline.errors import InputError
from pipeline.flow.telemetry import Trace
from pipeline.frame import Frame
from tests import clips, interlaced

SECONDS = 0.05


def settings(**options: object) -> Settings:
    return Settings.load(None, **{"backend": "onnx", "model": "srvgg-4x1", "preset": "ultrafast"} | options)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StageBenchmark]:
    clip = clips.make(tmp_path_factory.mktemp("clip") / "clip.mp4")
    with StageBenchmark(clip, settings(), SECONDS) as made:
        yield made


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("decode", "decode"),
        ("engine", "engine"),
        ("encode", "encode"),
        ("decode_and_encode", "decode + encode"),
        ("discarded", "discarded"),
        ("encoded", "encoded"),
    ],
)
def test_each_measurement_is_a_row_of_its_name(stages: StageBenchmark, method: str, name: str) -> None:
    row = getattr(stages, method)()
    assert row.name == name
    assert row.frames >= 1
    assert row.rate == pytest.approx(row.frames / row.seconds)
    assert (row.cpu is not None) == (name in ("discarded", "encoded"))


def test_upscaled_frames_are_the_first_of_the_clip_in_memory_of_their_own(stages: StageBenchmark) -> None:
    frames = stages.upscaled_frames
    assert len(frames) == 12
    assert all(frame.format == stages.plan.output_format for frame in frames)
    assert all(plane.base is None for frame in frames for plane in frame.planes)


@pytest.mark.parametrize("method", ["discarded", "encoded"])
def test_every_frame_of_a_still_clip_is_upscaled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    still = interlaced.write(tmp_path / "in.mkv", [interlaced.luma_at(0, (64, 48))] * 12)
    with StageBenchmark(still, settings(), SECONDS) as stages:
        submit, submitted = stages.session.submit, Counter[str]()

        def counted(frame: Frame) -> object:
            submitted["frames"] += 1
            return submit(frame)

        monkeypatch.setattr(stages.session, "submit", counted)
        row = getattr(stages, method)()
    assert submitted["frames"] >= row.frames


def test_a_trace_has_the_spans_of_every_thread(stages: StageBenchmark) -> None:
    trace = Trace()
    stages.record(trace)
    assert {span[1] for span in trace.spans} == {"decode", "submit", "upscale"}


def test_encoders_of_an_endless_clip_do_not_depend_on_its_length(tmp_path: Path) -> None:
    clip = clips.make(tmp_path / "short.mp4", frames=2)
    with StageBenchmark(clip, settings(encoders=3), SECONDS) as short:
        assert short.plan.encoding.encoders == 1
    with StageBenchmark(clip, settings(encoders=3), SECONDS, endless=True) as endless:
        assert endless.plan.encoding.encoders == 3


def test_an_encoder_that_can_not_work_in_parallel_is_noted(tmp_path: Path) -> None:
    clip = clips.make(tmp_path / "short.mkv", frames=2)
    with StageBenchmark(clip, settings(codec="ffv1", preset=None, encoders=3), SECONDS, endless=True) as stages:
        assert stages.plan.encoding.encoders == 1
        assert stages.plan.notes[-1].startswith("only one encoder is used: ffv1 ")


def test_temporary_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = clips.make(tmp_path / "clip.mp4", frames=2)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with StageBenchmark(clip, settings(), SECONDS) as stages:
        assert list(folder.iterdir())
        stages.engine()
    assert not list(folder.iterdir())


def test_a_clip_that_is_no_video_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    with pytest.raises(InputError):
        StageBenchmark(tmp_path / "a.mp4", settings(), SECONDS)
