"""`uprez clean`: removes what interrupted jobs have kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipeline.cli.console import out, size
from pipeline.files.durable.unfinished import remove_unfinished


def clean(
    jobs: Annotated[
        list[Path],
        typer.Argument(
            metavar="OUTPUT...",
            help="Outputs, or their folders OUTPUT.uprez, as `uprez jobs` lists them.",
            show_default=False,
        ),
    ],
) -> None:
    """Remove what interrupted jobs have kept.

    Nothing else is removed: neither outputs nor sources, nor other files in these folders.
    """
    for path in jobs:
        job = remove_unfinished(path)
        out.print(escape(f"{job.path}: removed, {size(job.bytes)}"))
