"""The choice of backend and precision."""

import numpy as np
import pytest

from pipeline.config.settings import Settings
from pipeline.errors import BackendError
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


def test_with_a_gpu_but_without_tensorrt_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "unavailable_reason", lambda: None)
    monkeypatch.setattr(library, "installed", list)
    with pytest.raises(BackendError, match=r"pip install 'uprez\[rtx\]'"):
        choose_backend(Settings.load(None, backend="tensorrt"))


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
