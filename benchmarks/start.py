"""How long until the first finished frame? From the start of a process, engines and models cached.

    python benchmarks/start.py --model srvgg-24x8 --size 960x540 --save start.json
    python benchmarks/start.py --backend onnx --size 64x36 --runs 3            # without a GPU
    python benchmarks/start.py -- --encoders 1 --preset ultrafast              # options of `uprez upscale`

Each run is a process of its own that does what `uprez upscale CLIP RESULT --json` does, on a short clip, to its end. It
notes the time at a few places, by functions of the project that are wrapped around:

- interpreter  from just before the process was started to its first line of Python
- imports      the command line and what it imports; what is imported later (TensorRT, CUDA) counts where it happens
- probe        options read, the clip looked at
- plan         everything decided: which GPU, which model, which encoder
- files        source and sink opened
- session      engine loaded, memory taken, first run
- first frame  threads started, and one frame decoded, upscaled and in host memory

The first process fills the caches and is not counted. All clocks are the system's, read in both processes: the kernel's
own note of when a process started has a resolution of 10 ms and, as seconds since 1970, is off by up to a second.
`import pipeline` is timed inside fresh interpreters, so that their own start is not in it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydantic import BaseModel, Field
from rich.table import Table
from steady import Machine, arguments, backend, facts, guarded, out, save, size

from pipeline.config.settings import Settings
from pipeline.diagnostics.pattern_clip import write_pattern
from pipeline.errors import UprezError
from pipeline.files.plan import make_plan
from pipeline.media.reading.probe import probe
from pipeline.superres.backend_choice import choose_backend

STEPS = ("interpreter", "imports", "probe", "plan", "files", "session", "first frame")
_FRAMES = 48

# What each process runs: `python -c _CHILD NOTES ARGUMENTS...`. It imports nothing more than the project does.
_CHILD = """
import time
notes = {"interpreter": time.time()}
import json, sys
from pipeline.cli import batch, main
notes["imports"] = time.time()
from pipeline.files import job as run
from pipeline.superres.stages import Collect

def note(name):
    notes.setdefault(name, time.time())

def wrap(module, function, begun, done):
    inner = getattr(module, function)
    def wrapped(*given, **named):
        if begun:
            note(begun)
        result = inner(*given, **named)
        note(done)
        return result
    setattr(module, function, wrapped)

wrap(batch, "probe", None, "probe")
wrap(batch, "make_plan", None, "plan")
wrap(run, "open_session", "files", "session")
feed = Collect.feed

def first(stage, item):
    for made in feed(stage, item):
        note("first frame")
        Collect.feed = feed
        yield made

Collect.feed = first
path, sys.argv = sys.argv[1], ["uprez", *sys.argv[2:]]
try:
    main.main()
finally:
    with open(path, "w") as file:
        json.dump(notes, file)
"""


class Import(BaseModel):
    """What an import takes in a fresh interpreter, in seconds."""

    statement: str
    median: float
    worst: float


class Start(BaseModel):
    """One process, in seconds. steps: what its start was spent on, together `first_frame`."""

    first_frame: float
    whole: float = Field(description="to the end of the process")
    steps: dict[str, float]


class Report(Machine):
    """One run of start.py."""

    arguments: list[str] = Field(description="of `uprez upscale`, but for the files")
    source: str
    interpreter: float = Field(description="seconds that a Python which does nothing takes, median")
    imports: list[Import]
    warming_up: Start = Field(description="the first process, which found the caches as they were")
    starts: list[Start]


def main() -> None:
    args = _arguments()
    settings = Settings.load(None, model=args.model, backend=args.backend)
    choose_backend(settings)
    given = ["--model", args.model, "--backend", args.backend, *args.options]
    with tempfile.TemporaryDirectory(prefix="uprez-start-") as folder:
        clip = write_pattern(Path(folder) / "clip.mp4", *args.size, frames=_FRAMES)
        plan = make_plan(probe(clip), Path(folder) / "result.mkv", settings)
        warming_up, *starts = [_start(clip, Path(folder), given) for _ in range(args.runs + 1)]
    report = Report(
        **facts(plan),
        arguments=given,
        source=str(plan.media.video.format),
        interpreter=statistics.median(_interpreter() for _ in range(args.runs)),
        imports=[_import(statement, args.runs) for statement in ("import pipeline", "from pipeline import upscale")],
        warming_up=warming_up,
        starts=starts,
    )
    save(report, args.save)
    _show(report)


def _start(clip: Path, folder: Path, given: list[str]) -> Start:
    """Run one process to its end."""
    notes = folder / "notes.json"
    result = folder / "result.mkv"
    for left in (notes, result):  # a result that is there would be looked at first
        left.unlink(missing_ok=True)
    command = [sys.executable, "-c", _CHILD, str(notes), "upscale", str(clip), str(result)]
    began = time.time()
    done = subprocess.run([*command, "--json", *given], capture_output=True, text=True, check=False)
    ended = time.time()
    if done.returncode:
        raise UprezError(f"uprez upscale {' '.join(given)}: ended with {done.returncode}: {_last_line(done.stderr)}")
    times = json.loads(notes.read_text(encoding="utf-8"))
    if missing := [step for step in STEPS if step not in times]:
        raise UprezError(f"start.py knows no longer where these begin: {', '.join(missing)}; its _CHILD must be mended")
    marks = [began, *(times[step] for step in STEPS)]
    steps = {step: after - before for step, before, after in zip(STEPS, marks, marks[1:], strict=False)}
    return Start(first_frame=times["first frame"] - began, whole=ended - began, steps=steps)


def _interpreter() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began


def _import(statement: str, runs: int) -> Import:
    code = f"import time; began = time.perf_counter(); {statement}; print(time.perf_counter() - began)"
    command = [sys.executable, "-c", code]
    times = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(runs)]
    return Import(statement=statement, median=statistics.median(times), worst=max(times))


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _show(report: Report) -> None:
    out.print(f"{report.source}, uprez upscale {' '.join(report.arguments)}, {len(report.starts)} starts")
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("milliseconds")
    for column in ("median", "worst", "first process"):
        table.add_column(column, justify="right")
    for step in STEPS:
        table.add_row(step, *_cells([start.steps[step] for start in report.starts], report.warming_up.steps[step]))
    finished = [start.first_frame for start in report.starts]
    table.add_row("to the first frame", *_cells(finished, report.warming_up.first_frame), style="bold")
    whole = [start.whole for start in report.starts]
    table.add_row(f"to the end, {_FRAMES} frames", *_cells(whole, report.warming_up.whole))
    table.add_section()
    table.add_row("a bare interpreter", f"{1000 * report.interpreter:.0f}")
    for timed in report.imports:
        table.add_row(timed.statement, f"{1000 * timed.median:.1f}", f"{1000 * timed.worst:.1f}")
    out.print(table)


def _cells(times: list[float], first: float) -> list[str]:
    return [f"{1000 * value:.0f}" for value in (statistics.median(times), max(times), first)]


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--model", default="srvgg-24x8")
    backend(parser)
    parser.add_argument("--size", type=size, default=(960, 540), metavar="WIDTHxHEIGHT", help="of the clip")
    parser.add_argument("--runs", type=int, default=5, help="processes that are counted")
    parser.add_argument("options", nargs="*", help="further options of `uprez upscale`, behind --")
    return parser.parse_args()


if __name__ == "__main__":
    guarded(main)
