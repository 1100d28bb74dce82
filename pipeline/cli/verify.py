"""`uprez verify`: checks that an output is complete."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipeline.cli.console import counted, err, note, out
from pipeline.cli.exit_codes import EXIT_DAMAGED
from pipeline.cli.option_names import with_options
from pipeline.cli.options import Json, with_settings
from pipeline.config.settings import Settings
from pipeline.verification.compare import verify as compare
from pipeline.verification.verdict import Verdict

_MAX_LINES = 20  # for one kind of fault


@with_settings("streams", "video_stream", "start", "end", "frames", "deinterlace")
def verify(
    source: Annotated[Path, typer.Argument(help="The video, or the images, that OUTPUT was made from.")],
    output: Annotated[Path, typer.Argument(help="The output of `uprez upscale`.")],
    *,
    settings: Settings,
    quick: Annotated[
        bool, typer.Option("--quick", help="Compare packets and timestamps only, without decoding.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check that an output is complete.

    OUTPUT must have every frame of SOURCE, in order and with its timestamp, every other stream, and the same colours.
    If `uprez upscale` was given --start or others of the options below, give the same ones here.

    Exit codes: 0 complete, 3 not complete, 2 one of them can't be read.
    """
    with err.status("") as status:
        verdict = compare(
            source,
            output,
            streams=settings.streams,
            video_stream=settings.video_stream,
            start=settings.start,
            end=settings.end,
            frames=settings.frames,
            deinterlace=settings.deinterlace,
            quick=quick,
            progress=lambda done: status.update(f"{done} frames"),
        )
    if as_json:
        print(json.dumps(_as_json(verdict), indent=2))
    else:
        _print(output, verdict)
    if not verdict.complete:
        raise typer.Exit(EXIT_DAMAGED)


def _as_json(verdict: Verdict) -> dict[str, object]:
    faults = [fault | {"message": with_options(fault["message"])} for fault in verdict.as_json()["faults"]]
    return verdict.as_json() | {"faults": faults, "remarks": [with_options(remark) for remark in verdict.remarks]}


def _print(output: Path, verdict: Verdict) -> None:
    counts: Counter[str] = Counter()
    for fault in verdict.faults:
        counts[fault.kind] += 1
        if counts[fault.kind] <= _MAX_LINES:
            out.print(f"[red]{fault.kind}[/]: {escape(with_options(fault.message))}")
    for kind, count in counts.items():
        if count > _MAX_LINES:
            out.print(f"[red]{kind}[/]: and {count - _MAX_LINES} more")
    for remark in verdict.remarks:
        note(remark)
    word = "[green]complete[/]" if verdict.complete else "[bold red]not complete[/]"
    out.print(f"{word}: {escape(str(output))}, {_comparison(verdict)}")


def _comparison(verdict: Verdict) -> str:
    """The number of frames found, and how they were compared."""
    counts = verdict.counts
    if verdict.only_damage:
        return f"all {counted(counts.result, 'frame')} that can be decoded of a damaged source"
    how = "packets and timestamps compared, no frames" if verdict.quick else "every frame and packet compared"
    return f"{counts.result} of {counts.source} frames, {how}"
