"""The cache folder of engines."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import BackendError
from pipeline.superres.gpu.tensorrt.engine import EngineKey
from pipeline.system.cache import cache_folder, cache_lock, is_own, write_cached

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CachedEngine:
    """An engine in the cache.

    Attributes:
        path: File of the engine.
        model: Name of the model.
        key: Key of the engine.
        bytes: Size of the engine and of its compiled kernels.
        built: Time of the build, in seconds since 1970.
    """

    path: Path
    model: str
    key: EngineKey
    bytes: int
    built: float


class EngineCache:
    """A folder of engines and of the kernels that their first run compiled.

    The content is executable, so the folder is private to the user. An engine that can't be loaded is built again,
    with a warning. If two processes need the same engine, one builds it and the other waits.

    Attributes:
        folder: The folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Open a cache in `folder`; None for the user's cache folder."""
        self.folder = folder or cache_folder("engines")

    def best_match(self, key: EngineKey) -> EngineKey:
        """Return the key of the cached engine to use for an image size.

        Args:
            key: Key of an engine for that size alone.

        Returns:
            `key` itself if that engine is cached, otherwise the key of the cached engine for several sizes whose
            typical size is closest; `key` again if there is none.
        """
        if self._path(key).exists():
            return key
        height, width = key.shapes.low
        others = (entry.key for entry in self.entries() if entry.key.shapes.supports(height, width))
        matching = [other for other in others if replace(other, shapes=key.shapes) == key]
        return min(matching, key=lambda other: other.shapes.distance(height, width), default=key)

    def fetch(
        self,
        key: EngineKey,
        model: str,
        load: Callable[[bytes], Any],
        build: Callable[[], bytes],
        validate: Callable[[Any], None] = lambda engine: None,
    ) -> Any:
        """Return a loaded engine, building it if it is not cached or does not load.

        Args:
            key: Key of the engine.
            model: Name of the model, for lists.
            load: Deserializes an engine; returns None if it is not for this machine.
            build: Builds the serialized engine.
            validate: Raises if a new engine is wrong, which is then not cached.

        Raises:
            BackendError: The new engine does not load.
        """
        path = self._path(key)
        with cache_lock(path.with_suffix(".lock")):
            if path.exists() and is_own(path):
                engine = load(path.read_bytes())
                if engine is not None:
                    if not path.with_suffix(".json").exists():
                        self._describe(key, model)
                    return engine
                log.warning("the cached engine %s does not load on this machine: building it again", path.name)
            plan = build()
            engine = load(plan)
            if engine is None:
                raise BackendError("the engine was built but does not load on this GPU: run `uprez doctor`")
            validate(engine)
            self._describe(key, model)
            write_cached(path, plan)
        return engine

    def _describe(self, key: EngineKey, model: str) -> None:
        content = json.dumps({"model": model, "key": asdict(key)}, indent=1)
        write_cached(self._path(key).with_suffix(".json"), content.encode())

    def runtime_cache_path(self, key: EngineKey, height: int, width: int, gpu: str) -> Path:
        """Path of the kernels that TensorRT-RTX compiled for an engine.

        Args:
            key: Key of the engine.
            height: Height of the image.
            width: Width of the image.
            gpu: UUID of the GPU: kernels compiled on one are refused by another of the same kind.
        """
        return self.folder / f"{key.digest}.{width}x{height}.{gpu}.runtime"

    def entries(self) -> list[CachedEngine]:
        """The cached engines, oldest first. Engines without a valid description are left out."""
        found = []
        for path in self.folder.glob("*.engine"):
            try:
                content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
                key, size = EngineKey.parse(content["key"]), sum(file.stat().st_size for file in self._files(path))
                found.append(CachedEngine(path, content["model"], key, size, path.stat().st_mtime))
            except (OSError, ValueError, TypeError, KeyError) as error:
                log.debug("%s: %s", path.name, error)
        return sorted(found, key=lambda entry: entry.built)

    def remove(self, path: Path) -> int:
        """Remove an engine with its description and compiled kernels, and return the number of bytes freed."""
        files = self._files(path)
        size = sum(file.stat().st_size for file in files)
        for file in files:
            file.unlink(missing_ok=True)
        return size

    def _path(self, key: EngineKey) -> Path:
        return self.folder / f"{key.digest}.engine"

    def _files(self, path: Path) -> list[Path]:
        """All files of an engine except its lock, which another process may hold."""
        return [file for file in self.folder.glob(f"{path.stem}.*") if file.suffix != ".lock"]
