"""Engines built ahead of time, and cached engines that this machine can't use any more."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pipeline.errors import BackendError
from pipeline.models.spec import ModelSpec
from pipeline.superres.gpu.tensorrt import library as libraries
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import CachedEngine, EngineCache
from pipeline.superres.gpu.tensorrt.network import EngineResources, Network
from pipeline.system import cuda
from pipeline.system.cuda import Gpu


def prebuild_engine(model: ModelSpec, shapes: Shapes, device: int, library: str, cache: EngineCache) -> CachedEngine:
    """Build, validate and cache an engine with the kernels of its first run, unless it is cached already.

    Args:
        model: The network.
        shapes: Image sizes to support.
        device: Number of the GPU.
        library: "rtx", "tensorrt" or "auto".
        cache: Where to store the engine.

    Raises:
        BackendError: There is no GPU, the engine is wrong, or it can't be stored.
    """
    resources = EngineResources(Gpu(device), libraries.load(library), cache, model)
    with closing(Network(resources, *shapes.typical, shapes)) as network, closing(network.lane()) as lane:
        lane.run()
        lane.stream.sync()
        network.save_runtime_cache()
    key = resources.key(shapes)
    entry = next((entry for entry in cache.entries() if entry.key == key), None)
    if entry is None:
        raise BackendError(f"{cache.folder}: the engine was built but could not be stored there: check the free space")
    return entry


def unusable_engines(cache: EngineCache) -> list[Path]:
    """Files of cached engines that this machine will not load, because they are for another GPU, driver or library.

    Engines without a valid description are included.
    """
    here = {(facts.name, facts.driver) for facts in map(cuda.gpu_facts, range(cuda.count()))}
    versions = {(name, libraries.load(name).version) for name in libraries.installed()}
    usable = {
        entry.path
        for entry in cache.entries()
        if (entry.key.gpu, entry.key.driver) in here and (entry.key.library, entry.key.version) in versions
    }
    return sorted(set(cache.folder.glob("*.engine")) - usable)
