"""ONNX → engine: building one, what it is known by, and the folder where it is kept."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipeline.cache import cache_folder
from pipeline.errors import BackendError, ModelError
from pipeline.models.spec import ModelSpec
from pipeline.superres.flavour import Flavour

log = logging.getLogger(__name__)

BUILD_OPTIONS = "static shapes, strongly typed"


def build(flavour: Flavour, model: ModelSpec, height: int, width: int) -> bytes:
    """An engine of `model` for pictures of one size, serialised. Needs no GPU with TensorRT-RTX.

    Raises ModelError where TensorRT can't parse or build the network.
    """
    trt = flavour.trt
    flavour.logger.complaints.clear()
    builder = trt.Builder(flavour.logger)
    network = builder.create_network(_creation_flags(trt))
    parser = trt.OnnxParser(network, flavour.logger)
    if not parser.parse(model.path.read_bytes()):
        reason = parser.get_error(0).desc() if parser.num_errors else flavour.complaint()
        raise ModelError(f"{model.path}: {flavour.name} {flavour.version} can't take it: {reason}")
    network.get_input(0).shape = (1, 3, height, width)
    plan = builder.build_serialized_network(network, builder.create_builder_config())
    if plan is None:
        raise ModelError(f"{model.path}: {flavour.name} {flavour.version} can't build it: {flavour.complaint()}")
    return bytes(plan)


def _creation_flags(trt: Any) -> int:
    """TensorRT 10 wants to be told what RTX and 11 always do."""
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


@dataclass(frozen=True)
class EngineKey:
    """All that an engine depends on: another value of any field is another engine."""

    onnx_sha256: str
    flavour: str
    version: str
    gpu: str
    capability: str
    driver: str
    height: int
    width: int
    options: str = BUILD_OPTIONS

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]


class EngineCache:
    """The folder of engines and of what their first run compiled. Executable content: private to the user.

    An engine that can't be loaded is built anew, with one line said. Two processes that want the same one build it
    once: the second waits.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder("engines")

    def fetch(self, key: EngineKey, load: Callable[[bytes], Any], make: Callable[[], bytes]) -> Any:
        """The engine of `key`: `load`ed from the folder, or `make`d, kept and loaded. `load` gives None on failure."""
        path = self.folder / f"{key.digest}.engine"
        with FileLock(path.with_suffix(".lock")):
            if path.exists():
                engine = load(path.read_bytes())
                if engine is not None:
                    return engine
                log.warning("the engine kept as %s does not load here: building it anew", path.name)
            plan = make()
            keep(path, plan)
            keep(path.with_suffix(".json"), json.dumps(asdict(key), indent=1).encode())
        engine = load(plan)
        if engine is None:
            raise BackendError("the engine was built but does not load on this GPU: run `uprez doctor`")
        return engine

    def runtime_cache(self, key: EngineKey) -> Path:
        """Where TensorRT-RTX's compiled kernels of this engine are kept."""
        return self.folder / f"{key.digest}.runtime"


def keep(path: Path, content: bytes) -> None:
    """Write a file that can be made again, whole or not at all. Where that fails, work goes on, with one line said."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        log.warning("%s could not be kept (%s): it will be made anew next time", path.name, error.strerror)
