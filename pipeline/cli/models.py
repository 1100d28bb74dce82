"""`uprez models`: what can be named after --model."""

from __future__ import annotations

import numpy as np
from rich.table import Table

from pipeline.cli.console import out
from pipeline.models import catalogue


def models() -> None:
    """List the models: scale, size, licence."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("model", "scale", "parameters", "file", "licence", "what it is"):
        table.add_column(column)
    for name in (*catalogue.embedded(), "identity"):
        spec = catalogue.find(name, np.float32)
        shown = f"{name} (default)" if name == catalogue.DEFAULT else name
        size = f"{spec.path.stat().st_size / 1000:.0f} kB"
        table.add_row(shown, f"x{spec.scale}", f"{spec.parameters:,}", size, spec.licence, spec.description)
    table.add_row(
        "srvgg-FxC", "x2", "", "", "Apache-2.0", "random weights, F features, C convolutions: for speed tests"
    )
    table.add_row("FILE.onnx", "any", "", "", "yours", "one input and one output, (1, 3, H, W), RGB of 0..1")
    out.print(table)
