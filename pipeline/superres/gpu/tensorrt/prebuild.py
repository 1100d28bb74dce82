"""Engines ahead of time, and which of those kept are of no use here any more."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import BackendError
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.tensorrt import library as flavours
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache, Entry
from pipeline.superres.gpu.tensorrt.network import Network, key_of
from pipeline.system import cuda
from pipeline.system.cuda import Gpu


def build(model: ModelSpec, shapes: Shapes, device: int, flavour: str, cache: EngineCache) -> Entry:
    """Build (unless it is kept), check and keep the engine of `model` for `shapes`, with what its first run compiles.

    Raises BackendError where there is no GPU, or where the engine is wrong.
    """
    gpu, found = Gpu(device), flavours.load(flavour)
    network = Network(gpu, found, model, *shapes.typical, cache, shapes)
    lane = network.lane()
    lane.run()
    lane.stream.sync()
    network.remember()
    lane.close()
    network.close()
    key = key_of(gpu, found, model, shapes)
    kept = next((entry for entry in cache.entries() if entry.key == key), None)
    if kept is None:
        raise BackendError(f"{cache.folder}: the engine was built but could not be kept there: is the disk full?")
    return kept


def useless(cache: EngineCache) -> list[Path]:
    """Engines that this machine will not load: of another GPU, driver or TensorRT; or that nothing is known of."""
    here = {(facts.name, facts.driver) for facts in map(cuda.facts, range(cuda.count()))}
    versions = {(name, flavours.load(name).version) for name in flavours.installed()}
    useful = {
        entry.path
        for entry in cache.entries()
        if (entry.key.gpu, entry.key.driver) in here and (entry.key.flavour, entry.key.version) in versions
    }
    return sorted(set(cache.folder.glob("*.engine")) - useful)
