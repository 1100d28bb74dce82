"""`uprez verify`: is a result all of its source?"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipeline.cli import options as o
from pipeline.cli.console import err, note, out
from pipeline.cli.exit_codes import EXIT_DAMAGED
from pipeline.cli.option_names import with_options
from pipeline.verification.compare import verify as compare
from pipeline.verification.verdict import Verdict

_MOST_LINES = 20  # for one kind of fault


def verify(
    source: Annotated[Path, typer.Argument(help="The video, or pictures, that RESULT was made from.")],
    result: Annotated[Path, typer.Argument(help="What was made of it.")],
    streams: o.Streams = None,
    video_stream: o.VideoStream = None,
    start: o.Start = None,
    end: o.End = None,
    frames: o.Frames = None,
    deinterlace: o.Deinterlace = None,
    config: o.Config = None,
    quick: Annotated[bool, typer.Option("--quick", help="Compare packets and times alone; decode nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
) -> None:
    """Check that an output is complete.

    RESULT must have every frame of SOURCE, in order and with its time, every stream, and the same colours.

    Exit codes: 0 it is, 3 it is not, 2 one of them can't be read.
    """
    settings = o.settings(config, locals())
    with err.status("") as status:
        verdict = compare(
            source,
            result,
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
        print(json.dumps(verdict.as_json(), indent=2))
    else:
        _show(result, verdict)
    if not verdict.complete:
        raise typer.Exit(EXIT_DAMAGED)


def _show(result: Path, verdict: Verdict) -> None:
    told: Counter[str] = Counter()
    for fault in verdict.faults:
        told[fault.kind] += 1
        if told[fault.kind] <= _MOST_LINES:
            out.print(f"[red]{fault.kind}[/]: {escape(with_options(fault.message))}")
    for kind, count in told.items():
        if count > _MOST_LINES:
            out.print(f"[red]{kind}[/]: and {count - _MOST_LINES} more")
    for remark in verdict.remarks:
        note(remark)
    word = "[green]whole[/]" if verdict.complete else "[bold red]not whole[/]"
    out.print(f"{word}: {escape(str(result))}, {_compared(verdict)}")


def _compared(verdict: Verdict) -> str:
    counts = verdict.counts
    if verdict.only_damage:
        return f"all {counts.result} frames that can be read of a damaged source"
    how = "packets and times compared, no picture" if verdict.quick else "every picture and packet compared"
    return f"{counts.result} of {counts.source} frames, {how}"
