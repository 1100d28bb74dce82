"""`uprez jobs`: lists jobs that were interrupted."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipeline.cli.console import out, size
from pipeline.cli.option_names import with_options
from pipeline.cli.options import Json
from pipeline.files.durable.unfinished import UnfinishedJob, unfinished_jobs


def jobs(
    folder: Annotated[
        Path, typer.Argument(help="The folder of the outputs; folders within it are searched too.")
    ] = Path(),
    *,
    as_json: Json = False,
) -> None:
    """List jobs that were interrupted and can be continued.

    The same `uprez upscale` command continues a job; `uprez clean` removes what it has kept.
    """
    found = unfinished_jobs(folder)
    if as_json:
        print(json.dumps([asdict(job) | {"path": str(job.path)} for job in found], indent=2))
        return
    for job in found:
        out.print(escape(with_options(_line(job))))
    if not found:
        out.print(f"no unfinished job in {escape(str(folder.absolute()))}")


def _line(job: UnfinishedJob) -> str:
    frames = f"{job.done} of {job.frames} frames" if job.frames else f"{job.done} frames"
    state = "in progress" if job.in_progress else job.fault or "interrupted"
    source = f" of {job.source}" if job.source else ""
    return f"{job.path}: {frames}{source}, {size(job.bytes)}, {state}"
