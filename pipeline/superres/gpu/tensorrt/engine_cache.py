"""The folder where engines are kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipeline.errors import BackendError
from pipeline.superres.gpu.tensorrt.engine import EngineKey
from pipeline.system.cache import cache_folder, write_cached

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """An engine that is kept. bytes: of its file and of what was compiled for it. built: seconds since 1970."""

    path: Path
    model: str
    key: EngineKey
    bytes: int
    built: float


class EngineCache:
    """The folder of engines and of what their first run compiled. Executable content: private to the user.

    An engine that can't be loaded is built anew, with one line said. Two processes that want the same one build it
    once: the second waits.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder("engines")

    def serving(self, key: EngineKey) -> EngineKey:
        """`key`, which is of one size; or, where no engine is kept for that alone, a kept one that serves it too."""
        if self._path(key).exists():
            return key
        height, width = key.shapes.low
        others = (entry.key for entry in self.entries() if entry.key.shapes.serve(height, width))
        serving = [other for other in others if replace(other, shapes=key.shapes) == key]
        return min(serving, key=lambda other: other.shapes.distance(height, width), default=key)

    def fetch(
        self,
        key: EngineKey,
        model: str,
        load: Callable[[bytes], Any],
        make: Callable[[], bytes],
        trust: Callable[[Any], None] = lambda engine: None,
    ) -> Any:
        """The engine of `key`: `load`ed from the folder, or `make`d, loaded, and kept once `trust` has not raised.

        load: gives None where the engine is not for this machine. model: a name to list it by.
        """
        path = self._path(key)
        with FileLock(path.with_suffix(".lock")):
            if path.exists():
                engine = load(path.read_bytes())
                if engine is not None:
                    if not path.with_suffix(".json").exists():
                        self._describe(key, model)
                    return engine
                log.warning("the engine kept as %s does not load here: building it anew", path.name)
            plan = make()
            engine = load(plan)
            if engine is None:
                raise BackendError("the engine was built but does not load on this GPU: run `uprez doctor`")
            trust(engine)
            self._describe(key, model)
            write_cached(path, plan)
        return engine

    def _describe(self, key: EngineKey, model: str) -> None:
        told = json.dumps({"model": model, "key": asdict(key)}, indent=1)
        write_cached(self._path(key).with_suffix(".json"), told.encode())

    def runtime_cache(self, key: EngineKey, height: int, width: int, gpu: str) -> Path:
        """Where TensorRT-RTX's compiled kernels of this engine, for pictures of this size on one `gpu`, are kept.

        gpu: its serial number, as it were: kernels compiled on one are refused by another of the same kind.
        """
        return self.folder / f"{key.digest}.{width}x{height}.{gpu}.runtime"

    def entries(self) -> list[Entry]:
        """The engines that are kept, oldest first. What can't be told about is left out."""
        found = []
        for path in self.folder.glob("*.engine"):
            try:
                told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
                size = sum(file.stat().st_size for file in self._files(path))
                found.append(Entry(path, told["model"], EngineKey.parse(told["key"]), size, path.stat().st_mtime))
            except (OSError, ValueError, TypeError, KeyError) as error:
                log.debug("%s: %s", path.name, error)
        return sorted(found, key=lambda entry: entry.built)

    def remove(self, path: Path) -> int:
        """Remove the engine in `path` and what belongs to it; gives how many bytes became free."""
        files = self._files(path)
        size = sum(file.stat().st_size for file in files)
        for file in files:
            file.unlink(missing_ok=True)
        return size

    def _path(self, key: EngineKey) -> Path:
        return self.folder / f"{key.digest}.engine"

    def _files(self, path: Path) -> list[Path]:
        """Those of an engine, but for its lock, which another process may hold."""
        return [file for file in self.folder.glob(f"{path.stem}.*") if file.suffix != ".lock"]
