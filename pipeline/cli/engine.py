"""`uprez engine`: builds engines ahead of time, lists and removes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from pipeline.cli.console import counted, err, out
from pipeline.cli.console import size as bytes_text
from pipeline.cli.options import MODEL_OPTIONS, frame_size, with_settings
from pipeline.config.settings import CPU_ENGINES, Settings
from pipeline.errors import SettingsError
from pipeline.models.spec import HeightWidth, ModelSpec
from pipeline.superres.backend_choice import choose_model
from pipeline.superres.cpu.choice_cache import (
    cached_runtime_choices,
    describe_runtime_choice,
    remove_runtime_choices,
)
from pipeline.superres.gpu.choice_cache import cached_choices, describe_choice, remove_choices
from pipeline.superres.gpu.network_choice import FUSED_ENGINES, prebuild_network
from pipeline.superres.gpu.tensorrt import prebuild
from pipeline.superres.gpu.tensorrt.engine import Shapes
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from pipeline.superres.tiling import model_tilings
from pipeline.system import cuda

engine = typer.Typer(
    help="Build, list and remove the engines that run networks.\n\n"
    "The first time that a model is used on a GPU with frames of a size, fused kernels and a TensorRT engine are built "
    "and timed, and the faster one is cached. On the CPU, ONNX Runtime and what else is installed, such as OpenVINO, "
    "are timed; nothing is built.",
    no_args_is_help=True,
    add_completion=False,
)


@engine.command()
@with_settings("model", *MODEL_OPTIONS, "engine", "device", "precision")
def build(
    *,
    size: Annotated[str | None, typer.Option("--size", help="WIDTHxHEIGHT of the videos.")] = None,
    shapes: Annotated[
        str | None,
        typer.Option("--shapes", help="MIN,OPT,MAX, each WIDTHxHEIGHT: one engine for all sizes between, best at OPT."),
    ] = None,
    settings: Settings,
) -> None:
    """Build the engine of a model, compare it with ONNX Runtime, and cache it."""
    if settings.engine in CPU_ENGINES:
        raise SettingsError(f"--engine {settings.engine} is chosen on the first use; engines are built for NVIDIA GPUs")
    requested = _shapes(size, shapes)
    if settings.engine in FUSED_ENGINES and not requested.is_fixed:
        raise SettingsError(
            f"--engine {settings.engine} builds for a single size: use --size WIDTHxHEIGHT, or --engine auto"
        )
    network = choose_model(settings, "tensorrt")
    _check_shapes(network, requested)
    if requested.is_fixed and settings.engine in ("auto", *FUSED_ENGINES):
        tiling = next(model_tilings(network, *reversed(requested.low)))  # larger than the frame for some models
        tile = (tiling.tile_height, tiling.tile_width)
        for number in settings.device:
            title = prebuild_network(network, tile, number, settings.engine, EngineCache())
        out.print(f"{network.name} ({network.precision}) for {requested}: {title}", markup=False)
        return
    with err.status(f"building {network.name} for {requested}: seconds with TensorRT-RTX, minutes with TensorRT"):
        for number in settings.device:
            entry = prebuild.prebuild_engine(network, requested, number, settings.engine, EngineCache())
    built = f"{entry.model} ({entry.key.precision}) for {requested}: {bytes_text(entry.bytes)}, {entry.path}"
    out.print(built, markup=False)


@engine.command("list")
def list_() -> None:
    """List the cached engines, and the choices between engines."""
    cache = EngineCache()
    unusable = set(prebuild.unusable_engines(cache))
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("model", "precision", "sizes", "GPU", "TensorRT", "file", "built", ""):
        table.add_column(column)
    for entry in cache.entries():
        key = entry.key
        built = datetime.fromtimestamp(entry.built).strftime("%Y-%m-%d %H:%M")
        version = f"{key.library} {key.version}"
        remark = "not for this machine" if entry.path in unusable else ""
        sizes = str(key.shapes)
        table.add_row(entry.model, key.precision, sizes, key.gpu, version, bytes_text(entry.bytes), built, remark)
    out.print(table)
    for choice in cached_choices(cache):
        out.print(f"{choice.model} at {choice.size} on {choice.gpu}: {describe_choice(choice)}", markup=False)
    for measured in cached_runtime_choices():
        where = f"{measured.processor}, {counted(measured.threads, 'thread')}"
        out.print(f"{measured.model} at {measured.size} on {where}: {describe_runtime_choice(measured)}", markup=False)
    out.print(f"cache: {cache.folder}", markup=False)


@engine.command()
def clean(
    everything: Annotated[bool, typer.Option("--all", help="Remove all cached engines.")] = False,
) -> None:
    """Remove cached engines that this machine can't use: of another GPU, driver or TensorRT."""
    cache = EngineCache()
    paths = sorted(cache.folder.glob("*.engine")) if everything else prebuild.unusable_engines(cache)
    freed = sum(cache.remove(path) for path in paths)
    gpus = {cuda.gpu_facts(number).name for number in range(cuda.count())}
    freed += remove_choices(cache, gpus, everything) + remove_runtime_choices(everything)
    out.print(f"{counted(len(paths), 'engine')} removed, {bytes_text(freed)} freed")


def _shapes(size: str | None, shapes: str | None) -> Shapes:
    if (size is None) == (shapes is None):
        raise SettingsError("give either --size WIDTHxHEIGHT, or --shapes MIN,OPT,MAX for one engine of all between")
    if size is not None:
        return Shapes.fixed(*_size("--size", size))
    parts = (shapes or "").split(",")
    if len(parts) != 3:
        raise SettingsError(f"--shapes {shapes}: should be MIN,OPT,MAX, such as 320x180,1280x720,1920x1080")
    least, typical, most = (_size("--shapes", part) for part in parts)
    if not all(a <= b <= c for a, b, c in zip(least, typical, most, strict=True)):
        raise SettingsError(f"--shapes {shapes}: should ascend from MIN to MAX, in width and in height")
    return Shapes(least, typical, most)


def _check_shapes(network: ModelSpec, requested: Shapes) -> None:
    """Raise SettingsError if an engine for several sizes is requested that the network does not accept."""
    sides = [side for size in (requested.low, requested.typical, requested.high) for side in size]
    if requested.is_fixed or (network.size is None and not any(side % network.size_multiple for side in sides)):
        return
    allowed = f"only {network.size[1]}x{network.size[0]}" if network.size else f"multiples of {network.size_multiple}"
    raise SettingsError(f"--shapes {requested}: {network.name} accepts {allowed}: use those, or --size WIDTHxHEIGHT")


def _size(option: str, text: str) -> HeightWidth:
    width, height = frame_size(option, text, 1, 16384)
    return height, width
