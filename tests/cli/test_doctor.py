"""`uprez doctor`: what it prints."""

import pytest

from tests.cli.conftest import Call


def test_doctor_names_a_command_for_what_is_missing(uprez: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pipeline.system.cuda.unavailable_reason", lambda: "no NVIDIA driver: install the driver of your GPU"
    )
    ended = uprez("doctor")
    assert ended.code == 0
    assert "install the driver of your GPU" in ended.out
    assert "ONNX Runtime" in ended.out
