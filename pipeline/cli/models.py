"""`uprez models`: lists the values that --model accepts, adds, downloads, shows and removes models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from pipeline.cli.commands import QuickGroup
from pipeline.cli.console import facts, out
from pipeline.errors import ModelError, OutputError
from pipeline.models import added
from pipeline.models.listing import listed_models
from pipeline.system.cache import cache_folder

_COLUMNS = ("model", "kind", "scale", "licence", "frames/s here", "parameters", "description")
_WIDE = 180  # columns of a terminal, in which the longest description fits

models = typer.Typer(
    cls=QuickGroup,
    help="List, add, download, show and remove models.\n\n"
    "Without a command, the models are listed. `uprez models add` and `--model FILE` try a file on small images, "
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
def list_models(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="List each model that a package would add.")] = False,
) -> None:
    """List the models."""
    if context.invoked_subcommand is not None:
        return
    rows, is_wide = list(_rows(every)), out.width >= _WIDE
    table = Table(box=None, padding=(0, 2, 0, 0))
    shown = len(_COLUMNS) if is_wide else _COLUMNS.index("parameters")
    for column in _COLUMNS[:shown]:
        table.add_column(column, no_wrap=column == "model")
    for row in rows:
        table.add_row(*map(escape, row[:shown]))
    out.print(table)
    if not is_wide:  # a column would cut the commands that they contain
        out.print(facts([("", ""), *((row[0], row[-1]) for row in rows)]))


def _rows(every: bool) -> Iterator[tuple[str, ...]]:
    """The rows of the list, a text for each of _COLUMNS."""
    rates = _rates()
    for index, row in enumerate(listed_models(every=every)):
        name = f"{row.name} (default)" if index == 0 else row.name
        scales = " ".join(f"x{scale}" for scale in row.scales)
        counts = " to ".join(f"{count:,}" for count in dict.fromkeys(row.parameters))
        yield name, row.kind, scales, row.licence, rates.get(row.name, ""), counts, row.description
    for family, text in (("srvgg-FxC", "C convolutions"), ("span-FxB", "B blocks")):
        yield family, "generated", "x2", "Apache-2.0", "", "", f"random weights, F features, {text}: for benchmarks"
    yield "FILE", "a file", "any", "yours", "", "", "a model file: `uprez models show FILE` tries it"


def _rates() -> dict[str, str]:
    """The measured rate of each model for the largest frames that it was used with on this machine."""
    try:
        if not any(cache_folder("engines").glob("*.choice.json")):
            return {}  # without the imports of what reads them
    except OutputError:
        return {}  # without a usable cache, no rate was recorded
    from pipeline.superres.gpu.choice_cache import cached_choices
    from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache

    found: dict[str, tuple[int, str]] = {}
    for choice in cached_choices(EngineCache()):
        width, height = map(int, choice.size.split("x"))
        rate = max(choice.fused or 0, choice.tensorrt or 0)
        found[choice.model] = max(found.get(choice.model, (0, "")), (width * height, f"{rate:.0f} at {choice.size}"))
    return {model: text for model, (_, text) in found.items()}


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


@models.command("download")
def fetch(name: Annotated[str, typer.Argument(help="A name from `uprez models`.")]) -> None:
    """Download a model of an official release, or continue its download."""
    from pipeline.models.download import download
    from pipeline.models.release_files import RELEASE_FILES, release_file

    file = release_file(name)
    if file is None:
        known = ", ".join(each.name for each in RELEASE_FILES)
        raise ModelError(f"{name} can't be downloaded; {known} can, and `uprez models` lists the others")
    with Progress(console=out, transient=True) as progress:
        task = progress.add_task(file.file_name, total=file.size)
        path = download(file, lambda present: progress.update(task, completed=present))
    out.print(f"{path}: `uprez upscale VIDEO --model {name}` uses it", markup=False)


@models.command("remove")
def remove(name: Annotated[str, typer.Argument(help="The name of an added model.")]) -> None:
    """Remove a model that was added."""
    added.remove(name)
    out.print(f"{name} was removed")
