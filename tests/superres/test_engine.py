"""Engines: their key, and the folder they are kept in."""

import logging
import stat
import threading
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import BackendError, ModelError
from pipeline.models import catalogue
from pipeline.superres import engine, flavour
from pipeline.superres.engine import EngineCache, EngineKey, Shapes

KEY = EngineKey("abc", "fp16", "rtx", "1.6", "GPU", "9.0", "13.0", Shapes.fixed(180, 320))


@pytest.mark.parametrize("field", [f.name for f in fields(EngineKey)])
def test_every_field_of_the_key_makes_another_engine(field: str) -> None:
    value = getattr(KEY, field)
    other = replace(KEY, **{field: Shapes.fixed(180, 322) if isinstance(value, Shapes) else value + "x"})
    assert other.digest != KEY.digest


class TestTheCache:
    def test_an_engine_is_made_once(self, tmp_path: Path) -> None:
        made: list[int] = []

        def make() -> bytes:
            made.append(1)
            return b"engine"

        cache = EngineCache(tmp_path)
        assert [cache.fetch(KEY, "a model", bytes.upper, make) for _ in range(3)] == [b"ENGINE"] * 3
        assert made == [1]

    def test_what_does_not_load_is_made_anew_with_one_line_said(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", lambda plan: plan, lambda: b"old")
        fresh = cache.fetch(KEY, "a model", lambda plan: plan if plan == b"new" else None, lambda: b"new")
        assert fresh == b"new"
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "building it anew" in record.message

    def test_what_does_not_load_even_fresh_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(BackendError, match="does not load on this GPU"):
            EngineCache(tmp_path).fetch(KEY, "a model", lambda plan: None, lambda: b"plan")

    def test_a_folder_without_room_costs_the_engine_nothing(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(self: Path, content: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        assert EngineCache(tmp_path).fetch(KEY, "a model", lambda plan: plan, lambda: b"engine") == b"engine"
        assert "could not be kept (No space left on device)" in caplog.text

    def test_a_failed_build_leaves_nothing(self, tmp_path: Path) -> None:
        def make() -> bytes:
            raise ModelError("no")

        with pytest.raises(ModelError):
            EngineCache(tmp_path).fetch(KEY, "a model", lambda plan: plan, make)
        assert not list(tmp_path.glob("*.engine*"))

    def test_two_that_want_the_same_engine_build_it_once(self, tmp_path: Path) -> None:
        made: list[int] = []
        inside = threading.Event()

        def make() -> bytes:
            made.append(1)
            inside.wait(0.2)
            return b"engine"

        def fetch() -> None:
            EngineCache(tmp_path).fetch(KEY, "a model", lambda plan: plan, make)

        threads = [threading.Thread(target=fetch, name="uprez-test") for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [1]

    def test_its_folder_is_private(self) -> None:
        assert stat.S_IMODE(EngineCache().folder.stat().st_mode) == 0o700


class TestBuilding:
    @pytest.fixture
    def rtx(self) -> flavour.Flavour:
        pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: no engine was built")
        return flavour.load("rtx")

    def test_a_model_that_tensorrt_can_not_parse_is_refused_in_one_line(
        self, rtx: flavour.Flavour, tmp_path: Path
    ) -> None:
        path = tmp_path / "broken.onnx"
        path.write_bytes(b"not a model")
        spec = replace(catalogue.find("identity", np.float16), path=path)
        with pytest.raises(ModelError, match=r"broken\.onnx: rtx .* can't take it: ") as caught:
            engine.build(rtx, spec, Shapes.fixed(64, 64))
        assert "\n" not in str(caught.value)


def test_a_flavour_that_is_not_installed_names_the_command() -> None:
    if "tensorrt" in flavour.installed():
        pytest.skip("TensorRT proper is installed")
    with pytest.raises(BackendError, match=r"tensorrt is not installed: pip install 'uprez\[tensorrt\]'"):
        flavour.load("tensorrt")


def test_an_unknown_flavour_is_refused() -> None:
    with pytest.raises(BackendError, match="no engine called 'x'"):
        flavour.load("x")
