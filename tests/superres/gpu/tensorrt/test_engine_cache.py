"""The cache of engines."""

import logging
import multiprocessing
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import BackendError, ModelError
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from tests.superres.gpu.tensorrt.keys import KEY


class TestFetch:
    def test_an_engine_is_built_once(self, tmp_path: Path) -> None:
        builds: list[int] = []

        def build() -> bytes:
            builds.append(1)
            return b"engine"

        cache = EngineCache(tmp_path)
        assert [cache.fetch(KEY, "a model", bytes.upper, build) for _ in range(3)] == [b"ENGINE"] * 3
        assert builds == [1]

    def test_an_engine_that_does_not_load_is_built_again_with_a_warning(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", lambda plan: plan, lambda: b"old")
        engine = cache.fetch(KEY, "a model", lambda plan: plan if plan == b"new" else None, lambda: b"new")
        assert engine == b"new"
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "building it again" in record.message

    def test_an_engine_of_another_user_is_not_loaded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", lambda plan: plan, lambda: b"planted")
        monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1, raising=False)
        assert cache.fetch(KEY, "a model", lambda plan: plan, lambda: b"own") == b"own"

    def test_a_new_engine_that_does_not_load_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(BackendError, match="does not load on this GPU"):
            EngineCache(tmp_path).fetch(KEY, "a model", lambda plan: None, lambda: b"plan")

    def test_an_engine_is_used_even_if_the_disk_is_full(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def disk_full(self: Path, content: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", disk_full)
        assert EngineCache(tmp_path).fetch(KEY, "a model", lambda plan: plan, lambda: b"engine") == b"engine"
        assert "could not be cached (No space left on device)" in caplog.text

    def test_a_failed_build_leaves_no_file(self, tmp_path: Path) -> None:
        def build() -> bytes:
            raise ModelError("no")

        with pytest.raises(ModelError):
            EngineCache(tmp_path).fetch(KEY, "a model", lambda plan: plan, build)
        assert not list(tmp_path.glob("*.engine*"))

    def test_two_threads_that_need_the_same_engine_build_it_once(self, tmp_path: Path) -> None:
        builds: list[int] = []
        inside = threading.Event()

        def build() -> bytes:
            builds.append(1)
            inside.wait(0.2)
            return b"engine"

        def fetch() -> None:
            EngineCache(tmp_path).fetch(KEY, "a model", lambda plan: plan, build)

        threads = [threading.Thread(target=fetch, name="uprez-test") for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert builds == [1]

    def test_an_engine_that_fails_validation_is_not_cached(self, tmp_path: Path) -> None:
        def validate(engine: object) -> None:
            raise BackendError("black")

        with pytest.raises(BackendError, match="black"):
            EngineCache(tmp_path).fetch(KEY, "a model", bytes, lambda: b"engine", validate)
        assert not list(tmp_path.glob("*.engine*"))

    def test_only_new_engines_are_validated(self, tmp_path: Path) -> None:
        validated: list[bytes] = []
        cache = EngineCache(tmp_path)
        for _ in range(2):
            cache.fetch(KEY, "a model", bytes, lambda: b"engine", validated.append)
        assert validated == [b"engine"]


def test_the_folder_of_engines_is_private() -> None:
    assert stat.S_IMODE(EngineCache().folder.stat().st_mode) == 0o700


def test_an_engine_for_several_sizes_is_used_if_there_is_none_for_the_size_alone(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    several = replace(KEY, shapes=Shapes((90, 160), (180, 320), (360, 640)))
    assert cache.best_match(KEY) == KEY
    cache.fetch(several, "a model", bytes, lambda: b"several")
    assert cache.best_match(KEY) == several
    assert cache.best_match(replace(KEY, precision="fp32")).shapes.is_fixed
    cache.fetch(KEY, "a model", bytes, lambda: b"one")
    assert cache.best_match(KEY) == KEY


class TestEntries:
    def test_an_entry_describes_a_cached_engine(self, tmp_path: Path) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", bytes, lambda: b"engine")
        (entry,) = cache.entries()
        assert (entry.model, entry.key) == ("a model", KEY)
        assert entry.bytes > len(b"engine")

    @pytest.mark.parametrize("content", ["", "{}", '{"model": "x", "key": {"shapes": 3}}', "[1]"])
    def test_engines_with_an_invalid_description_are_left_out(self, tmp_path: Path, content: str) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", bytes, lambda: b"engine")
        (tmp_path / f"{KEY.digest}.json").write_text(content)
        assert cache.entries() == []

    def test_an_engine_is_removed_with_all_of_its_files(self, tmp_path: Path) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", bytes, lambda: b"engine")
        cache.runtime_cache_path(KEY, 180, 320, "GPU-1").write_bytes(b"compiled")
        (entry,) = cache.entries()
        assert cache.remove(entry.path) > len(b"enginecompiled")
        assert [left.suffix for left in tmp_path.iterdir()] == [".lock"]

    def test_a_lost_description_is_written_again(self, tmp_path: Path) -> None:
        cache = EngineCache(tmp_path)
        cache.fetch(KEY, "a model", bytes, lambda: b"engine")
        (tmp_path / f"{KEY.digest}.json").unlink()
        cache.fetch(KEY, "a model", bytes, lambda: b"engine")
        assert [entry.model for entry in cache.entries()] == ["a model"]


def _fetch_in_another_process(folder: Path) -> None:
    def build() -> bytes:
        with (folder / "builds").open("a") as builds:
            builds.write("x")
        time.sleep(0.5)
        return b"engine"

    EngineCache(folder).fetch(KEY, "a model", bytes, build)


def test_two_processes_that_need_the_same_engine_build_it_once(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_fetch_in_another_process, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    assert (tmp_path / "builds").read_text() == "x"
