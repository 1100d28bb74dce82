"""`uprez engine`: engines are built, listed and removed."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from pipeline.models import catalogue
from pipeline.superres.cpu.choice_cache import MachineFacts, RuntimeChoice, RuntimeRecord
from pipeline.superres.gpu.choice_cache import NetworkChoice
from pipeline.superres.gpu.tensorrt.engine import EngineKey, Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from tests.cli.conftest import Call
from tests.models.importing.foreign import Foreign


class TestEngine:
    def test_engine_is_not_built_without_a_gpu(self, uprez: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "pipeline.system.cuda.unavailable_reason", lambda: "no NVIDIA driver: install the driver of your GPU"
        )
        ended = uprez("engine", "build", "--size", "64x48")
        assert (ended.code, "install the driver" in ended.err) == (2, True)

    @pytest.mark.parametrize(
        "options",
        [
            (),
            ("--size", "big"),
            ("--shapes", "32x32,64x64"),
            ("--shapes", "64x64,32x32,96x96"),
            ("--size", "64x64", "--shapes", "1x1,2x2,3x3"),
            ("--engine", "openvino", "--size", "64x64"),
            ("--engine", "fused", "--shapes", "1x1,2x2,3x3"),
            ("--engine", "fused-fp16acc", "--shapes", "1x1,2x2,3x3"),
        ],
    )
    def test_invalid_sizes_are_refused(self, uprez: Call, options: tuple[str, ...]) -> None:
        ended = uprez("engine", "build", *options)
        assert ended.code == 2
        assert len(ended.err.strip().splitlines()) == 1

    def test_sizes_that_a_model_does_not_accept_are_refused(self, uprez: Call, tmp_path: Path) -> None:
        path = Foreign(multiple=8).saved(tmp_path / "multiples.onnx")
        ended = uprez("engine", "build", "--model", path, "--shapes", "32x32,64x64,100x100")
        assert ended.code == 2
        assert "multiples accepts multiples of 8: use those, or --size WIDTHxHEIGHT" in ended.err

    def test_kept_engines_are_listed_and_removed(self, uprez: Call) -> None:
        key = EngineKey("abc", "fp16", "rtx", "1.6", "A GPU", "9.0", "13.0", Shapes.fixed(180, 320))
        EngineCache().fetch(key, "my network", bytes, lambda: b"engine")
        listed = uprez("engine", "list").out
        assert all(words in listed for words in ("my network", "320x180", "A GPU", "not for this machine"))
        assert "1 engine removed" in uprez("engine", "clean").out
        assert "my network" not in uprez("engine", "list").out

    def test_choices_of_networks_are_listed_and_removed(self, uprez: Call) -> None:
        choice = NetworkChoice("my network", "320x180", "A GPU", "fused", fused=300.0, tensorrt=100.0)
        (EngineCache().folder / "digest.choice.json").write_text(json.dumps(asdict(choice)))
        listed = " ".join(uprez("engine", "list").out.split())
        assert "my network at 320x180 on A GPU: fused kernels at 300 frames/s" in listed
        uprez("engine", "clean")
        assert "my network" not in uprez("engine", "list").out

    def test_the_reason_of_a_choice_is_listed_word_for_word(self, uprez: Call) -> None:
        missing = "TensorRT is not installed: pip install 'uprez[rtx]'"
        choice = NetworkChoice("my network", "320x180", "A GPU", "fused", missing, fused=300.0)
        (EngineCache().folder / "digest.choice.json").write_text(json.dumps(asdict(choice)))
        assert missing in " ".join(uprez("engine", "list").out.split())

    def test_choices_of_runtimes_on_the_cpu_are_listed_and_removed(self, uprez: Call) -> None:
        machine = MachineFacts("A processor", 2, {"onnxruntime": "0.1"})
        rates = {"ONNX Runtime 0.1": 2.0, "OpenVINO 2": 3.0}
        choice = RuntimeChoice("my network", "320x180", "A processor", 2, machine.versions, "openvino", rates)
        RuntimeRecord(catalogue.find("identity", np.float32), (180, 320), machine).write(choice)
        listed = " ".join(uprez("engine", "list").out.split())
        expected = "my network at 320x180 on A processor, 2 threads: OpenVINO 2 at 3 frames/s, 1.5 times as fast"
        assert expected in listed
        uprez("engine", "clean")
        assert "my network" not in uprez("engine", "list").out
