"""`uprez engine`: TensorRT's engines, made ahead of time, listed and removed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from pipeline.cli import options as o
from pipeline.cli.console import err, out, size
from pipeline.errors import SettingsError
from pipeline.superres.backend_choice import choose_model
from pipeline.superres.gpu.tensorrt import prebuild
from pipeline.superres.gpu.tensorrt.engine import Shapes, Size
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache

engine = typer.Typer(
    help="Build, list and remove TensorRT engines.",
    no_args_is_help=True,
)


@engine.command()
def build(
    size_: Annotated[str | None, typer.Option("--size", help="WIDTHxHEIGHT of the videos.")] = None,
    shapes: Annotated[
        str | None,
        typer.Option("--shapes", help="MIN,OPT,MAX, each WIDTHxHEIGHT: one engine for all sizes between, best at OPT."),
    ] = None,
    config: o.Config = None,
    model: o.Model = None,
    engine: o.Engine = None,
    device: o.Device = None,
    precision: o.Precision = None,
) -> None:
    """Build an engine, check it against ONNX Runtime, and keep it."""
    settings = o.settings(config, locals())
    wanted = _shapes(size_, shapes)
    network = choose_model(settings, "tensorrt")
    with err.status(f"building {network.name} for {wanted}: seconds with TensorRT-RTX, minutes with TensorRT"):
        for number in settings.device:
            entry = prebuild.build(network, wanted, number, settings.engine, EngineCache())
    out.print(f"{entry.model} ({entry.key.precision}) for {wanted}: {size(entry.bytes)}, {entry.path}")


@engine.command("list")
def list_() -> None:
    """List the engines that are kept."""
    cache = EngineCache()
    old = set(prebuild.useless(cache))
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("model", "precision", "sizes", "GPU", "TensorRT", "file", "built", ""):
        table.add_column(column)
    for entry in cache.entries():
        key = entry.key
        built = datetime.fromtimestamp(entry.built).strftime("%Y-%m-%d %H:%M")
        version = f"{key.flavour} {key.version}"
        note = "not for this machine" if entry.path in old else ""
        table.add_row(entry.model, key.precision, str(key.shapes), key.gpu, version, size(entry.bytes), built, note)
    out.print(table)
    out.print(f"in {cache.folder}")


@engine.command()
def clean(
    everything: Annotated[bool, typer.Option("--all", help="Remove those that are of use here too.")] = False,
) -> None:
    """Remove the engines that this machine can't use: of another GPU, driver or TensorRT."""
    cache = EngineCache()
    paths = sorted(cache.folder.glob("*.engine")) if everything else prebuild.useless(cache)
    freed = sum(cache.remove(path) for path in paths)
    out.print(f"{len(paths)} engine{'s' if len(paths) != 1 else ''} removed, {size(freed)} free again")


def _shapes(size_: str | None, shapes: str | None) -> Shapes:
    if (size_ is None) == (shapes is None):
        raise SettingsError("give --size WIDTHxHEIGHT, or --shapes MIN,OPT,MAX for one engine that serves all between")
    if size_ is not None:
        return Shapes.fixed(*_size("--size", size_))
    parts = (shapes or "").split(",")
    if len(parts) != 3:
        raise SettingsError(f"--shapes {shapes}: MIN,OPT,MAX, such as 320x180,1280x720,1920x1080")
    low, typical, high = (_size("--shapes", part) for part in parts)
    if not all(a <= b <= c for a, b, c in zip(low, typical, high, strict=True)):
        raise SettingsError(f"--shapes {shapes}: from the smallest to the largest, width and height alike")
    return Shapes(low, typical, high)


def _size(option: str, text: str) -> Size:
    width, height = o.size(option, text, 1, 16384)
    return height, width
