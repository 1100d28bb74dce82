"""ONNX → engine: building one, what it is known by, and the folder where it is kept."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from pipeline.cache import cache_folder, keep
from pipeline.errors import BackendError, ModelError
from pipeline.models.spec import ModelSpec
from pipeline.superres.flavour import Flavour

log = logging.getLogger(__name__)

BUILD_OPTIONS = "strongly typed"

Size = tuple[int, int]  # (H, W)


@dataclass(frozen=True)
class Shapes:
    """The picture sizes that an engine serves: from `low` to `high`, in each direction, and best at `typical`."""

    low: Size
    typical: Size
    high: Size

    @classmethod
    def fixed(cls, height: int, width: int) -> Shapes:
        """One size only, which is what TensorRT makes the fastest engines for."""
        return cls((height, width), (height, width), (height, width))

    @property
    def is_fixed(self) -> bool:
        return self.low == self.high

    def serve(self, height: int, width: int) -> bool:
        return self.low[0] <= height <= self.high[0] and self.low[1] <= width <= self.high[1]

    def __str__(self) -> str:
        low, typical, high = (f"{width}x{height}" for height, width in (self.low, self.typical, self.high))
        return low if self.is_fixed else f"{low} to {high}, best at {typical}"


def build(flavour: Flavour, model: ModelSpec, shapes: Shapes) -> bytes:
    """An engine of `model`, serialised. Needs no GPU with TensorRT-RTX.

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
    plan = builder.build_serialized_network(network, _configured(trt, builder, network, model, shapes))
    if plan is None:
        raise ModelError(f"{model.path}: {flavour.name} {flavour.version} can't build it: {flavour.complaint()}")
    return bytes(plan)


def _creation_flags(trt: Any) -> int:
    """TensorRT 10 wants to be told what RTX and 11 always do."""
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _configured(trt: Any, builder: Any, network: Any, model: ModelSpec, shapes: Shapes) -> Any:
    config = builder.create_builder_config()
    # Precision lies in the network's types, but for TF32, which is how fp32 may be multiplied.
    (config.set_flag if model.precision == "tf32" else config.clear_flag)(trt.BuilderFlag.TF32)
    if shapes.is_fixed:
        network.get_input(0).shape = (1, 3, *shapes.low)
        return config
    profile = builder.create_optimization_profile()
    profile.set_shape(model.input, *((1, 3, *size) for size in (shapes.low, shapes.typical, shapes.high)))
    config.add_optimization_profile(profile)
    return config


@dataclass(frozen=True)
class EngineKey:
    """All that an engine depends on: another value of any field is another engine."""

    onnx_sha256: str
    precision: str
    flavour: str
    version: str
    gpu: str
    capability: str
    driver: str
    shapes: Shapes
    options: str = BUILD_OPTIONS

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]

    @classmethod
    def parse(cls, fields: dict[str, Any]) -> Self:
        """The key that `asdict` gave, back from JSON. Raises TypeError, KeyError or ValueError for anything else."""
        low, typical, high = (fields["shapes"][name] for name in ("low", "typical", "high"))
        return cls(**{**fields, "shapes": Shapes(_size(low), _size(typical), _size(high))})


def _size(pair: Any) -> Size:
    height, width = pair
    return int(height), int(width)


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
        others = (entry.key for entry in self.entries() if entry.key.shapes.serve(*key.shapes.low))
        return next((other for other in others if replace(other, shapes=key.shapes) == key), key)

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
                    return engine
                log.warning("the engine kept as %s does not load here: building it anew", path.name)
            plan = make()
            engine = load(plan)
            if engine is None:
                raise BackendError("the engine was built but does not load on this GPU: run `uprez doctor`")
            trust(engine)
            keep(path, plan)
            keep(path.with_suffix(".json"), json.dumps({"model": model, "key": asdict(key)}, indent=1).encode())
        return engine

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
        return list(self.folder.glob(f"{path.stem}.*"))
