"""Facts about the machine."""

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.diagnostics.host_facts import host_facts
from pipeline.system import host
from pipeline.system.cuda import GpuFacts


def test_facts_name_machine_and_versions() -> None:
    facts = host_facts()
    assert datetime.now(UTC) - datetime.fromisoformat(facts.when) < timedelta(seconds=30)
    assert facts.cores >= 1
    assert facts.memory > 2**28
    assert facts.gpu is None
    assert {"python", "ffmpeg", "av", "onnxruntime"} <= set(facts.versions)


def test_gpus_that_are_used_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = GpuFacts(name="NVIDIA H200", capability="9.0", memory=2**37, driver="580.1", uuid="GPU-1")
    monkeypatch.setattr(host, "gpus", lambda: [gpu, gpu])
    assert host_facts((1,)).gpu == "NVIDIA H200, compute capability 9.0, driver 580.1"
    assert host_facts(None).gpu == "2 x NVIDIA H200, compute capability 9.0, driver 580.1"
