"""The table of runtimes."""

from typing import get_args

import pytest

from pipeline.config.settings import CPU_ENGINES, CpuEngine
from pipeline.errors import BackendError
from pipeline.superres.cpu.runtimes import ONNX_RUNTIME, RUNTIMES, installed_runtimes, requested_runtime
from pipeline.system.onnx_runtime import load_onnx_runtime


def test_the_setting_knows_every_runtime() -> None:
    assert get_args(CpuEngine) == CPU_ENGINES == tuple(runtime.name for runtime in RUNTIMES)


def test_onnx_runtime_is_always_installed_and_the_first() -> None:
    assert installed_runtimes()[0] == ONNX_RUNTIME
    assert str(ONNX_RUNTIME) == f"ONNX Runtime {load_onnx_runtime().__version__}"
    assert requested_runtime("onnxruntime") == ONNX_RUNTIME


@pytest.mark.parametrize("engine", ["auto", "fused", "rtx"])
def test_other_engines_name_no_runtime(engine: str) -> None:
    assert requested_runtime(engine) is None


@pytest.mark.parametrize("runtime", RUNTIMES[1:], ids=lambda runtime: runtime.name)
def test_a_runtime_that_is_not_installed_is_refused_with_the_command(
    runtime: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, install = getattr(runtime, "name", ""), getattr(runtime, "install", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    monkeypatch.setattr(load_onnx_runtime(), "get_available_providers", lambda: ["CPUExecutionProvider"])
    assert installed_runtimes() == [ONNX_RUNTIME]
    with pytest.raises(BackendError) as caught:
        requested_runtime(name)
    assert str(caught.value).startswith(f"`engine` {name} can't be used, ")
    assert str(caught.value).endswith(f" is not installed: {install}")


def test_a_provider_of_onnx_runtime_is_a_runtime_where_it_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    available = ["CoreMLExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    monkeypatch.setattr(load_onnx_runtime(), "get_available_providers", lambda: available)
    assert [runtime.name for runtime in installed_runtimes()] == ["onnxruntime", "coreml"]
