"""Engines: their key, and the folder they are kept in."""

import logging
import multiprocessing
import stat
import threading
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import BackendError, ModelError
from pipeline.models import catalogue
from pipeline.superres.gpu.tensorrt import engine, library, prebuild
from pipeline.superres.gpu.tensorrt.engine import EngineKey, Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache

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
        assert "could not be cached (No space left on device)" in caplog.text

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
    def rtx(self) -> library.TensorRtLibrary:
        pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: no engine was built")
        return library.load("rtx")

    def test_a_model_that_tensorrt_can_not_parse_is_refused_in_one_line(
        self, rtx: library.TensorRtLibrary, tmp_path: Path
    ) -> None:
        path = tmp_path / "broken.onnx"
        path.write_bytes(b"not a model")
        spec = replace(catalogue.find("identity", np.float16), path=path)
        with pytest.raises(ModelError, match=r"broken\.onnx: rtx .* can't take it: ") as caught:
            engine.build(rtx, spec, Shapes.fixed(64, 64))
        assert "\n" not in str(caught.value)


def test_a_flavour_that_is_not_installed_names_the_command() -> None:
    if "tensorrt" in library.installed():
        pytest.skip("TensorRT proper is installed")
    with pytest.raises(BackendError, match=r"tensorrt is not installed: pip install 'uprez\[tensorrt\]'"):
        library.load("tensorrt")


def test_an_unknown_flavour_is_refused() -> None:
    with pytest.raises(BackendError, match="no engine called 'x'"):
        library.load("x")


class TestEnginesOfManySizes:
    @pytest.mark.parametrize(
        ("height", "width", "served"), [(180, 320, True), (1080, 1920, True), (1081, 1920, False), (360, 300, False)]
    )
    def test_serve_what_lies_between(self, height: int, width: int, served: bool) -> None:
        assert Shapes((180, 320), (720, 1280), (1080, 1920)).serve(height, width) is served

    def test_are_used_where_none_is_kept_for_the_size_alone(self, tmp_path: Path) -> None:
        cache = EngineCache(tmp_path)
        many = replace(KEY, shapes=Shapes((90, 160), (180, 320), (360, 640)))
        assert cache.serving(KEY) == KEY
        cache.fetch(many, "a model", bytes, lambda: b"many")
        assert cache.serving(KEY) == many
        assert cache.serving(replace(KEY, precision="fp32")).shapes.is_fixed
        cache.fetch(KEY, "a model", bytes, lambda: b"one")
        assert cache.serving(KEY) == KEY

    @pytest.mark.parametrize("precision", ["fp16", "fp32", "tf32", "bf16"])
    def test_are_built_by_tensorrt_rtx(self, precision: str) -> None:
        pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: no engine was built")
        model = catalogue.find("clear-x2", precision)
        assert engine.build(library.load("rtx"), model, Shapes((64, 64), (128, 128), (256, 256)))


class TestTrust:
    def test_an_engine_that_is_not_trusted_is_not_kept(self, tmp_path: Path) -> None:
        def trust(loaded: object) -> None:
            raise BackendError("black")

        with pytest.raises(BackendError, match="black"):
            EngineCache(tmp_path).fetch(KEY, "a model", bytes, lambda: b"engine", trust)
        assert not list(tmp_path.glob("*.engine*"))

    def test_only_new_engines_are_looked_at(self, tmp_path: Path) -> None:
        seen: list[bytes] = []
        cache = EngineCache(tmp_path)
        for _ in range(2):
            cache.fetch(KEY, "a model", bytes, lambda: b"engine", seen.append)
        assert seen == [b"engine"]


class TestTheList:
    def test_tells_what_is_kept(self, tmp_path: Path) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", bytes, lambda: b"engine")
        (entry,) = cache.entries()
        assert (entry.model, entry.key) == ("a model", KEY)
        assert entry.bytes > len(b"engine")

    @pytest.mark.parametrize("told", ["", "{}", '{"model": "x", "key": {"shapes": 3}}', "[1]"])
    def test_leaves_out_what_can_not_be_told_about(self, tmp_path: Path, told: str) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", bytes, lambda: b"engine")
        (tmp_path / f"{KEY.digest}.json").write_text(told)
        assert cache.entries() == []

    def test_an_engine_is_removed_with_all_that_belongs_to_it(self, tmp_path: Path) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", bytes, lambda: b"engine")
        cache.runtime_cache(KEY, 180, 320, "GPU-1").write_bytes(b"compiled")
        (entry,) = cache.entries()
        assert cache.remove(entry.path) > len(b"enginecompiled")
        assert [left.suffix for left in tmp_path.iterdir()] == [".lock"]

    def test_an_engine_whose_description_is_lost_gets_it_back(self, tmp_path: Path) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", bytes, lambda: b"engine")
        (tmp_path / f"{KEY.digest}.json").unlink()
        cache.fetch(KEY, "a model", bytes, lambda: b"engine")
        assert [entry.model for entry in cache.entries()] == ["a model"]

    def test_engines_of_another_machine_are_useless_here(self, tmp_path: Path) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", bytes, lambda: b"engine")
        assert prebuild.useless(cache) == [tmp_path / f"{KEY.digest}.engine"]


def _fetch_in_another_process(folder: Path) -> None:
    def make() -> bytes:
        with (folder / "made").open("a") as made:
            made.write("x")
        time.sleep(0.5)
        return b"engine"

    EngineCache(folder).fetch(KEY, "a model", bytes, make)


def test_two_processes_that_want_the_same_engine_build_it_once(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_fetch_in_another_process, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    assert (tmp_path / "made").read_text() == "x"
