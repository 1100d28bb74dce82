"""`uprez models`: lists the values that --model accepts, adds models, shows what was found, removes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pipeline.cli.commands import QuickGroup
from pipeline.cli.console import facts, out
from pipeline.cli.console import size as bytes_text
from pipeline.models import added
from pipeline.models.builtin import BUILT_IN_MODELS, BuiltInModel

models = typer.Typer(
    cls=QuickGroup,
    help="List, add, show and remove models.\n\n"
    "Without a command, the models are listed. `uprez models add` and `--model FILE` try a file on small pictures, "
    "once, to find its value range, channels, layout and sizes.",
    add_completion=False,
)

Range = Annotated[
    str | None,
    typer.Option("--model-range", help="Its value range: 0..1, 0..255, -1..1, imagenet or any BLACK..WHITE."),
]
Channels = Annotated[str | None, typer.Option("--model-channels", help="Its channels: rgb, bgr, or y for luma alone.")]
Layout = Annotated[str | None, typer.Option("--model-layout", help="Its layout: nchw, or nhwc (channels last).")]
Model = Annotated[str, typer.Argument(help="A name from `uprez models`, or a model file.")]


@models.callback(invoke_without_command=True)
def list_models(context: typer.Context) -> None:
    """List the models."""
    if context.invoked_subcommand is not None:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("model", "scale", "parameters", "file", "licence", "description"):
        table.add_column(column)
    for index, model in enumerate(BUILT_IN_MODELS):
        name = f"{model.name} (default)" if index == 0 else model.name
        parameters = f"{model.parameters:,}"
        table.add_row(name, f"x{model.scale}", parameters, _file_size(model), model.licence, model.description)
    table.add_row("srvgg-FxC", "x2", "", "", "Apache-2.0", "random weights, F features, C convolutions: for benchmarks")
    table.add_row("span-FxB", "x2", "", "", "Apache-2.0", "random weights, F features, B blocks: for benchmarks")
    for name in added.names():
        own = added.load(name)
        size = bytes_text(added.model_path(name).stat().st_size)
        text = own.description or f"added from {own.found['file']}"
        table.add_row(name, f"x{own.scale}", f"{own.parameters:,}", size, own.licence, text)
    table.add_row("FILE.onnx", "any", "", "", "yours", "a model file: `uprez models show FILE.onnx` tries it")
    out.print(table)


@models.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="A model file.")],
    *,
    name: Annotated[str | None, typer.Option("--name", help="Its name for --model (default: the file's).")] = None,
    model_range: Range = None,
    model_channels: Channels = None,
    model_layout: Layout = None,
) -> None:
    """Try a model file, and copy it into your data folder, so that --model finds it by its name."""
    from pipeline.models.catalogue import add_model
    from pipeline.models.importing.conventions import Overrides

    model = add_model(file, name, Overrides(model_range, model_channels, model_layout))
    out.print(f"{model.name} was added: `uprez upscale VIDEO --model {model.name}` uses it")


@models.command("show")
def show(
    model: Model, *, model_range: Range = None, model_channels: Channels = None, model_layout: Layout = None
) -> None:
    """Show what is known of a model, and what a trial found of a model file."""
    from pipeline.models.description import describe_model
    from pipeline.models.importing.conventions import Overrides

    out.print(facts(describe_model(model, Overrides(model_range, model_channels, model_layout))))


@models.command("remove")
def remove(name: Annotated[str, typer.Argument(help="The name of an added model.")]) -> None:
    """Remove a model that was added."""
    added.remove(name)
    out.print(f"{name} was removed")


def _file_size(model: BuiltInModel) -> str:
    return f"{model.file.stat().st_size / 1000:.0f} kB" if model.file else ""
