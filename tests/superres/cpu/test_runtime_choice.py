"""The choice between runtimes: measured once, checked against ONNX Runtime, cached; nothing with ONNX Runtime alone."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from pipeline.errors import BackendError
from pipeline.models import catalogue
from pipeline.models.spec import ModelSpec
from pipeline.superres.cpu import choice_cache
from pipeline.superres.cpu.choice_cache import cached_runtime_choices
from pipeline.superres.cpu.runtime_choice import choose_runtime
from tests.superres.cpu.fake_runtimes import FakeRuntimes
from tests.waiting import all_at_once

SIZE = 48, 64


@pytest.fixture
def model() -> ModelSpec:
    return catalogue.find("srvgg-4x1", np.float32)


def test_with_onnx_runtime_alone_nothing_is_measured_or_cached(
    fakes: FakeRuntimes, model: ModelSpec, tmp_path: Path
) -> None:
    (only,) = rows = (fakes.runtime("onnxruntime", 1.0),)
    fakes.install(*rows)
    assert choose_runtime(model, SIZE) == only
    assert not fakes.loaded
    assert not (tmp_path / "cache" / "runtimes").exists()


@pytest.mark.parametrize(("seconds", "winner"), [(0.5, "openvino"), (2.0, "onnxruntime")])
def test_the_fastest_runtime_is_chosen_once_and_reported(
    fakes: FakeRuntimes, model: ModelSpec, seconds: float, winner: str, caplog: pytest.LogCaptureFixture
) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", seconds))
    assert choose_runtime(model, SIZE).name == winner
    started, ended = (record.getMessage() for record in caplog.records)
    assert started == "comparing Onnxruntime with Openvino for srvgg-4x1 at 64x48: some seconds, once"
    assert "frames/s, 2.0 times as fast as" in ended
    assert [name for name, _ in fakes.loaded] == ["onnxruntime", "openvino"]
    assert choose_runtime(model, SIZE).name == winner
    assert len(fakes.loaded) == 2
    (choice,) = cached_runtime_choices()
    assert (choice.model, choice.size, choice.winner) == ("srvgg-4x1", "64x48", winner)
    assert list(choice.rates.values()) == pytest.approx([1.0, 1 / seconds])


def test_another_size_or_model_or_number_of_threads_is_measured_again(fakes: FakeRuntimes, model: ModelSpec) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 0.5))
    other = catalogue.find("identity", np.float32)
    for wanted, size, threads in ((model, SIZE, 1), (model, (32, 32), 1), (other, SIZE, 1), (model, SIZE, 2)):
        before = len(fakes.loaded)
        choose_runtime(wanted, size, threads=threads)
        assert len(fakes.loaded) == before + 2


def test_another_version_of_a_runtime_is_measured_again(
    fakes: FakeRuntimes, model: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 0.5))
    choose_runtime(model, SIZE)
    monkeypatch.setattr("pipeline.superres.cpu.runtimes.CpuRuntime.version", "99")
    choose_runtime(model, SIZE)
    assert len(fakes.loaded) == 4


def test_sizes_above_192x108_share_one_measurement_in_the_models_unit(fakes: FakeRuntimes, model: ModelSpec) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 0.5))
    for size in ((540, 960), (720, 1280), (108, 192)):
        choose_runtime(model, size)
    assert fakes.loaded == [("onnxruntime", (108, 192)), ("openvino", (108, 192))]
    choose_runtime(replace(model, sha256="of another", size_multiple=24), (544, 960))
    assert fakes.loaded[2:] == [("onnxruntime", (120, 192)), ("openvino", (120, 192))]


def test_a_model_of_a_single_size_is_measured_with_it(fakes: FakeRuntimes, model: ModelSpec) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 0.5))
    choose_runtime(replace(model, size=(200, 400)), (200, 400))
    assert {size for _, size in fakes.loaded} == {(200, 400)}


def test_a_runtime_that_fails_is_skipped_with_the_reason(
    fakes: FakeRuntimes, model: ModelSpec, caplog: pytest.LogCaptureFixture
) -> None:
    error = RuntimeError("Exception from src/core.cpp:1:\n\n  no such operator: Mystery \n")
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.broken("openvino", error), fakes.runtime("coreml", 0.5))
    assert choose_runtime(model, SIZE).name == "coreml"
    assert "Openvino can't load srvgg-4x1: no such operator: Mystery" in caplog.messages[-1]
    assert "Coreml" in caplog.messages[-1].partition("times as fast")[0]


def test_a_runtime_whose_output_is_wrong_is_skipped_with_the_reason(
    fakes: FakeRuntimes, model: ModelSpec, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = fakes.runtime("openvino", 0.5, lambda output: output + np.float32(0.002))
    fakes.install(fakes.runtime("onnxruntime", 1.0), wrong)
    assert choose_runtime(model, SIZE).name == "onnxruntime"
    assert "is used; Openvino" in caplog.messages[-1]
    assert "54.0 dB compared with ONNX Runtime, 60 are required" in caplog.messages[-1]


def test_a_runtime_whose_output_has_another_shape_is_skipped(fakes: FakeRuntimes, model: ModelSpec) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 0.5, lambda output: output[:, :, 1:]))
    assert choose_runtime(model, SIZE).name == "onnxruntime"


def test_a_requested_runtime_is_used_although_another_is_faster(fakes: FakeRuntimes, model: ModelSpec) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 2.0))
    assert choose_runtime(model, SIZE, "openvino").name == "openvino"
    assert choose_runtime(model, SIZE, "openvino").name == "openvino"
    assert len(fakes.loaded) == 2


def test_a_request_for_onnx_runtime_needs_no_measurement(fakes: FakeRuntimes, model: ModelSpec) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 0.5))
    assert choose_runtime(model, SIZE, "onnxruntime").name == "onnxruntime"
    assert not fakes.loaded


def test_a_requested_runtime_that_fails_is_an_error_and_tried_again_next_time(
    fakes: FakeRuntimes, model: ModelSpec
) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.broken("openvino", MemoryError()))
    for _ in range(2):
        with pytest.raises(BackendError, match=r"`engine` openvino can't be used: .*MemoryError; set `engine` to auto"):
            choose_runtime(model, SIZE, "openvino")
    assert [name for name, _ in fakes.loaded] == ["onnxruntime"] * 2


def test_an_engine_of_a_gpu_chooses_the_fastest_runtime(fakes: FakeRuntimes, model: ModelSpec) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 0.5))
    assert choose_runtime(model, SIZE, "rtx").name == "openvino"


def test_threads_that_open_a_model_at_the_same_time_measure_it_once(
    fakes: FakeRuntimes, model: ModelSpec, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 0.5))
    all_at_once([lambda: choose_runtime(model, SIZE)] * 4)
    assert len(fakes.loaded) == 2


def test_a_measurement_waits_for_that_of_another_process(
    fakes: FakeRuntimes, model: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 0.5))
    held: list[bool] = []
    write = choice_cache.RuntimeRecord.write

    def writing(record: choice_cache.RuntimeRecord, choice: choice_cache.RuntimeChoice) -> None:
        another = FileLock(record.lock_path, is_singleton=False)
        with pytest.raises(TimeoutError):
            another.acquire(timeout=0)
        held.append(True)
        write(record, choice)

    monkeypatch.setattr(choice_cache.RuntimeRecord, "write", writing)
    choose_runtime(model, SIZE)
    assert held == [True]


def test_without_a_usable_cache_folder_the_fastest_runtime_is_chosen_with_one_warning(
    fakes: FakeRuntimes,
    model: ModelSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 0.5))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "file"))
    assert choose_runtime(model, SIZE).name == "openvino"
    (warning,) = [message for message in caplog.messages if "cached" in message]
    assert warning.startswith("the choice of a runtime for srvgg-4x1 is not cached: ")
    assert "set UPREZ_CACHE" in warning


def test_on_a_full_disk_the_fastest_runtime_is_chosen_with_one_warning(
    fakes: FakeRuntimes, model: ModelSpec, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    fakes.install(fakes.runtime("onnxruntime", 1.0), fakes.runtime("openvino", 0.5))
    monkeypatch.setattr(FileLock, "__enter__", fail)
    monkeypatch.setattr(Path, "write_bytes", fail)
    assert choose_runtime(model, SIZE).name == "openvino"
    (warning,) = [message for message in caplog.messages if "cached" in message]
    assert "could not be cached (No space left on device)" in warning
