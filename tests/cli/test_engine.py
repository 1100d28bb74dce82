"""`uprez engine`: engines are built, listed and removed."""

import json
from dataclasses import asdict

import pytest

from pipeline.superres.gpu.choice_cache import NetworkChoice
from pipeline.superres.gpu.tensorrt.engine import EngineKey, Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from tests.cli.conftest import Call


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
            ("--engine", "fused", "--shapes", "1x1,2x2,3x3"),
            ("--engine", "fused-fp16acc", "--shapes", "1x1,2x2,3x3"),
        ],
    )
    def test_invalid_sizes_are_refused(self, uprez: Call, options: tuple[str, ...]) -> None:
        ended = uprez("engine", "build", *options)
        assert ended.code == 2
        assert len(ended.err.strip().splitlines()) == 1

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
