"""Checks of what a machine can do."""

import pytest

from pipeline.diagnostics import doctor
from pipeline.errors import BackendError, OutputError
from pipeline.system.onnx_runtime import load_onnx_runtime


def test_each_thing_is_checked_and_a_fault_has_a_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "no NVIDIA driver: install one"
    monkeypatch.setattr("pipeline.system.cuda.unavailable_reason", lambda: reason)
    findings = {finding.name: finding for finding in doctor.examine()}
    assert " ".join(findings) == "Python FFmpeg ONNX Runtime OpenVINO NVIDIA GPU TensorRT NVRTC NVENC cache"
    gpu = findings["NVIDIA GPU"]
    assert (gpu.ok, gpu.required, gpu.fix) == (False, False, "install one")
    assert gpu.detail == "no NVIDIA driver; upscaling runs on the CPU"
    assert findings["Python"].ok
    assert findings["FFmpeg"].required


def test_a_check_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(kind: str) -> None:
        raise OutputError("no cache folder can be written")

    monkeypatch.setattr(doctor, "cache_folder", failing)
    cache = doctor.examine()[-1]
    assert (cache.ok, cache.required, cache.detail) == (False, True, "no cache folder can be written")


def test_a_tensorrt_that_can_not_use_the_gpu_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unusable:
        def create_runtime(self) -> None:
            raise BackendError("TensorRT 11.4 can't use the GPU: no driver")

    monkeypatch.setattr("pipeline.superres.gpu.tensorrt.library.installed", lambda: ["tensorrt"])
    monkeypatch.setattr("pipeline.superres.gpu.tensorrt.library.load", lambda name: Unusable())
    monkeypatch.setattr("pipeline.system.cuda.unavailable_reason", lambda: None)
    monkeypatch.setattr("pipeline.system.host.gpus", list)
    tensorrt = next(finding for finding in doctor.examine() if finding.name == "TensorRT")
    assert (tensorrt.ok, tensorrt.detail) == (False, "TensorRT 11.4 can't use the GPU: no driver")


def test_a_tensorrt_that_does_not_load_is_a_finding_with_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(name: str) -> None:
        raise BackendError("tensorrt_rtx is installed but does not load: no library")

    monkeypatch.setattr("pipeline.superres.gpu.tensorrt.library.installed", lambda: ["rtx"])
    monkeypatch.setattr("pipeline.superres.gpu.tensorrt.library.load", failing)
    tensorrt = next(finding for finding in doctor.examine() if finding.name == "TensorRT")
    assert not tensorrt.ok
    assert tensorrt.fix.startswith("pip install ")


def test_openvino_is_a_finding_with_a_command_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    openvino = next(finding for finding in doctor.examine() if finding.name == "OpenVINO")
    assert (openvino.ok, openvino.required, openvino.fix) == (False, False, "pip install 'uprez[openvino]'")


def test_an_openvino_that_does_not_load_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> None:
        raise ImportError("libtbb.so.12: no such file")

    monkeypatch.setattr("pipeline.superres.cpu.runtimes.CpuRuntime.is_installed", True)
    monkeypatch.setattr(doctor, "load_openvino", failing)
    openvino = next(finding for finding in doctor.examine() if finding.name == "OpenVINO")
    assert (openvino.ok, openvino.detail) == (False, "libtbb.so.12: no such file")


def test_the_providers_of_onnx_runtime_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    available = ["CoreMLExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(load_onnx_runtime(), "get_available_providers", lambda: available)
    onnx = next(finding for finding in doctor.examine() if finding.name == "ONNX Runtime")
    assert onnx.detail.endswith(", on the CPU, CoreML")
