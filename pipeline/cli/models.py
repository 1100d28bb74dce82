"""`uprez models`: the values that --model accepts."""

from __future__ import annotations

from rich.table import Table

from pipeline.cli.console import out
from pipeline.models.builtin import BUILT_IN_MODELS, BuiltInModel


def models() -> None:
    """List the models."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("model", "scale", "parameters", "file", "licence", "description"):
        table.add_column(column)
    for index, model in enumerate(BUILT_IN_MODELS):
        name = f"{model.name} (default)" if index == 0 else model.name
        parameters = f"{model.parameters:,}"
        table.add_row(name, f"x{model.scale}", parameters, _file_size(model), model.licence, model.description)
    table.add_row("srvgg-FxC", "x2", "", "", "Apache-2.0", "random weights, F features, C convolutions: for benchmarks")
    table.add_row("span-FxB", "x2", "", "", "Apache-2.0", "random weights, F features, B blocks: for benchmarks")
    table.add_row("FILE.onnx", "any", "", "", "yours", "one input and one output of (1, 3, H, W), RGB from 0 to 1")
    out.print(table)


def _file_size(model: BuiltInModel) -> str:
    return f"{model.file.stat().st_size / 1000:.0f} kB" if model.file else ""
