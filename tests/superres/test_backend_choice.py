"""The choice of backend and precision."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config.settings import Settings
from pipeline.errors import BackendError, ModelError
from pipeline.models import synthetic
from pipeline.superres.backend_choice import choose_backend, choose_model
from pipeline.superres.gpu.tensorrt import library
from pipeline.system import cuda


def test_without_a_gpu_the_backend_is_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "unavailable_reason", lambda: "no driver: install one")
    assert choose_backend(Settings.load(None))[0] == "onnx"


def test_without_a_gpu_a_request_for_tensorrt_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "unavailable_reason", lambda: "no driver: install one")
    with pytest.raises(BackendError, match="`backend` tensorrt can't be used: no driver: install one"):
        choose_backend(Settings.load(None, backend="tensorrt"))


@pytest.fixture
def without_tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has a GPU and CUDA, but no TensorRT."""
    monkeypatch.setattr(cuda, "unavailable_reason", lambda: None)
    monkeypatch.setattr(library, "installed", list)


@pytest.mark.usefixtures("without_tensorrt")
@pytest.mark.parametrize("engine", ["auto", "fused"])
def test_without_tensorrt_the_gpu_runs_what_the_fused_kernels_can_compute(engine: str) -> None:
    assert choose_backend(Settings.load(None, model="clear-x2", engine=engine)) == ("tensorrt", None)


@pytest.mark.usefixtures("without_tensorrt")
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"model": "identity"}, r"can't compute identity: it has "),
        ({"model": "clear-x2", "precision": "fp32"}, r"can't compute clear-x2: it is fp32, and they compute in fp16"),
        ({"model": "clear-x2", "engine": "rtx"}, r"TensorRT is not installed"),
    ],
)
def test_without_tensorrt_other_networks_are_refused_with_the_command_and_the_reason(
    options: dict[str, Any], reason: str
) -> None:
    assert choose_backend(Settings.load(None, **options))[0] == "onnx"
    with pytest.raises(BackendError, match=rf"{reason}.*pip install 'uprez\[rtx\]'"):
        choose_backend(Settings.load(None, backend="tensorrt", **options))


def test_with_a_gpu_and_tensorrt_the_backend_is_tensorrt_unless_onnx_is_requested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cuda, "unavailable_reason", lambda: None)
    monkeypatch.setattr(library, "installed", lambda: ["rtx"])
    assert choose_backend(Settings.load(None)) == ("tensorrt", None)
    assert choose_backend(Settings.load(None, backend="onnx")) == ("onnx", None)


@pytest.mark.parametrize(
    ("backend", "precision", "expected"),
    [("onnx", "auto", "fp32"), ("onnx", "fp16", "fp32"), ("tensorrt", "auto", "fp16"), ("tensorrt", "bf16", "bf16")],
)
def test_the_precision_depends_on_the_backend(backend: str, precision: str, expected: str) -> None:
    model = choose_model(Settings.load(None, precision=precision), backend)
    assert model.precision == expected
    assert model.dtype == (np.float32 if expected == "fp32" else np.float16)


def test_an_engine_of_the_cpu_is_used_although_there_is_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "unavailable_reason", lambda: None)
    monkeypatch.setattr(library, "installed", lambda: ["rtx"])
    assert choose_backend(Settings.load(None, engine="onnxruntime")) == ("onnx", None)


def test_an_engine_of_the_cpu_is_refused_with_the_backend_of_a_gpu() -> None:
    with pytest.raises(BackendError, match="`engine` onnxruntime is one of the CPU backend: set `backend` to onnx"):
        choose_backend(Settings.load(None, engine="onnxruntime", backend="tensorrt"))


@pytest.mark.parametrize("backend", ["auto", "onnx"])
def test_an_engine_of_the_cpu_that_is_not_installed_is_refused_with_the_command(
    monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    with pytest.raises(BackendError, match=r"OpenVINO is not installed: pip install 'uprez\[openvino\]'"):
        choose_backend(Settings.load(None, engine="openvino", backend=backend))


def test_models_separated_by_commas_form_a_cascade() -> None:
    model = choose_model(Settings.load(None, model="identity, clear-x2,clear-x2"), "onnx")
    assert (model.name, model.scale, model.precision) == ("identity, clear-x2 twice", 4, "fp32")


def test_an_unknown_model_of_a_cascade_is_named() -> None:
    with pytest.raises(ModelError, match="no model called 'nonsense'"):
        choose_model(Settings.load(None, model="clear-x2,nonsense"), "onnx")


def test_a_file_may_have_a_comma_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine, too.onnx"
    path.write_bytes(synthetic.nearest(np.float32).SerializeToString())
    assert choose_model(Settings.load(None, model=str(path)), "onnx").scale == 2


def test_what_is_stated_of_a_file_is_not_stated_of_an_embedded_model_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(synthetic.nearest(np.float32).SerializeToString())
    model = choose_model(Settings.load(None, model=f"{path},clear-x2", model_channels="bgr"), "onnx")
    assert [step.order for step in model.steps] == ["bgr", "rgb"]
    with pytest.raises(ModelError, match="are for model files"):
        choose_model(Settings.load(None, model="identity,clear-x2", model_channels="bgr"), "onnx")


@pytest.mark.parametrize("name", ["x" * 300, ",".join(["identity"] * 40) + ",nonsense"])
def test_a_name_longer_than_that_of_a_file_is_no_file(name: str) -> None:
    with pytest.raises(ModelError, match="no model called"):
        choose_model(Settings.load(None, model=name), "onnx")
