"""Measures the start: from the start of a process to the first upscaled frame, with engines and models cached.

    python benchmarks/start.py --model srvgg-24x8 --size 960x540 --save start.json
    python benchmarks/start.py --backend onnx --size 64x36 --runs 3            # without a GPU
    python benchmarks/start.py -- --encoders 1 --preset ultrafast              # options of `uprez upscale`

Each run is a process of its own that does what `uprez upscale CLIP OUTPUT --json` does, on a short clip, to its end.
The steps are records that uprez logs at level DEBUG, with their times:

- interpreter  from just before the process was started to its first line of Python
- imports      the command `uprez`; what is imported later (PyAV, TensorRT, CUDA) counts where it happens
- probe        options parsed, the clip probed
- plan         everything decided: which GPU, which model, which encoder
- files        source and output opened
- session      engine loaded, memory allocated, first run
- first frame  threads started, and one frame decoded, upscaled and in main memory

The first process fills the caches and is not counted. All times are the system clock's, read in both processes: the
kernel's own record of a process's start has a resolution of 10 ms and, as seconds since 1970, is off by up to a second.
`import pipeline` is timed inside fresh interpreters, so their own start is not in it; commands such as `uprez
--version` are timed from outside.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common.script import add_backend, out, parser, run, save, size
from pydantic import BaseModel, Field
from rich.table import Table

from pipeline import HostFacts, Settings, UprezError, choose_backend, host_facts, probe, write_pattern

STEPS = ("interpreter", "imports", "probe", "plan", "files", "session", "first frame")
COMMANDS = ("--version", "--help", "models")
CLIP_FRAMES = 48
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Of the processes that are timed: their bytecode is cached, as in an ordinary installation."""

# What each process runs: `python -c CHILD NOTES ARGUMENTS...`. It imports nothing that the command doesn't import.
CHILD = """
import time
times = {"interpreter": time.time()}
import json, logging, sys

path, sys.argv = sys.argv[1], ["uprez", *sys.argv[2:]]
from pipeline.__main__ import main
times["imports"] = time.time()

class Steps(logging.Handler):
    names = {"probed": "probe", "planned": "plan", "opened %s": "files", "opened a": "session"}
    names["upscaled"] = "first frame"

    def emit(self, record):
        for beginning, name in self.names.items():
            if str(record.msg).startswith(beginning):
                times.setdefault(name, record.created)

logger = logging.getLogger("pipeline.files")
logger.setLevel(logging.DEBUG)
logger.addHandler(Steps())
try:
    main()
finally:
    with open(path, "w") as file:
        json.dump(times, file)
"""


class Import(BaseModel):
    """The time of an import in a fresh interpreter, in seconds."""

    statement: str
    median: float
    worst: float


class CommandTime(BaseModel):
    """The time of a command from the start of its process to the end, in seconds."""

    command: str
    median: float
    worst: float


class Start(BaseModel):
    """One process, in seconds."""

    first_frame: float = Field(description="from the start of the process to the first upscaled frame")
    end: float = Field(description="to the end of the process")
    steps: dict[str, float] = Field(description="the time of each step; their sum is first_frame")


class Report(HostFacts):
    """One run of start.py."""

    arguments: list[str] = Field(description="of `uprez upscale`, without the files")
    source: str
    interpreter: float = Field(description="seconds of a Python process that does nothing, median")
    imports: list[Import]
    commands: list[CommandTime]
    warming_up: Start = Field(description="the first process, which found the caches as they were")
    starts: list[Start]


def main() -> None:
    args = arguments()
    settings = Settings.load(None, model=args.model, backend=args.backend)
    backend, _ = choose_backend(settings)
    given = ["--model", args.model, "--backend", args.backend, *args.options]
    with tempfile.TemporaryDirectory(prefix="uprez-start-") as folder:
        clip = write_pattern(Path(folder) / "clip.mp4", *args.size, frames=CLIP_FRAMES)
        source = str(probe(clip).video.format)
        warming_up, *starts = [start(clip, Path(folder), given) for _ in range(args.runs + 1)]
    report = Report(
        **host_facts(settings.device if backend == "tensorrt" else ()).model_dump(),
        arguments=given,
        source=source,
        interpreter=statistics.median(process_time("-c", "pass") for _ in range(args.runs)),
        imports=[
            import_time(statement, args.runs) for statement in ("import pipeline", "from pipeline import upscale")
        ],
        commands=[command_time(command, args.runs) for command in COMMANDS],
        warming_up=warming_up,
        starts=starts,
    )
    save(report, args.save)
    show(report)


def start(clip: Path, folder: Path, given: list[str]) -> Start:
    """Run one process to its end."""
    notes, output = folder / "notes.json", folder / "result.mkv"
    for path in (notes, output):  # an output that exists would be probed first
        path.unlink(missing_ok=True)
    command = [sys.executable, "-c", CHILD, str(notes), "upscale", str(clip), str(output)]
    began = time.time()
    ended = subprocess.run([*command, "--json", *given], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    end = time.time()
    if ended.returncode:
        raise UprezError(f"uprez upscale {' '.join(given)}: exit code {ended.returncode}: {last_line(ended.stderr)}")
    times = json.loads(notes.read_text(encoding="utf-8"))
    if missing := [step for step in STEPS if step not in times]:
        raise UprezError(f"start.py: uprez logs no record of these steps: {', '.join(missing)}; CHILD must be adapted")
    marks = [began, *(times[step] for step in STEPS)]
    steps = {step: after - before for step, before, after in zip(STEPS, marks, marks[1:], strict=False)}
    return Start(first_frame=times["first frame"] - began, end=end - began, steps=steps)


def process_time(*arguments: str) -> float:
    """Seconds of a Python process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - began


def import_time(statement: str, runs: int) -> Import:
    code = f"import time; began = time.perf_counter(); {statement}; print(time.perf_counter() - began)"
    command = [sys.executable, "-c", code]
    times = [float(subprocess.check_output(command, text=True, env=ENVIRONMENT)) for _ in range(runs)]
    return Import(statement=statement, median=statistics.median(times), worst=max(times))


def command_time(command: str, runs: int) -> CommandTime:
    times = [process_time("-m", "pipeline", command) for _ in range(runs)]
    return CommandTime(command=f"uprez {command}", median=statistics.median(times), worst=max(times))


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"


def show(report: Report) -> None:
    out.print(f"{report.source}, uprez upscale {' '.join(report.arguments)}, {len(report.starts)} starts")
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("milliseconds")
    for column in ("median", "worst", "first process"):
        table.add_column(column, justify="right")
    for step in STEPS:
        table.add_row(step, *cells([each.steps[step] for each in report.starts], report.warming_up.steps[step]))
    finished = [each.first_frame for each in report.starts]
    table.add_row("to the first frame", *cells(finished, report.warming_up.first_frame), style="bold")
    end = [each.end for each in report.starts]
    table.add_row(f"to the end, {CLIP_FRAMES} frames", *cells(end, report.warming_up.end))
    table.add_section()
    table.add_row("an interpreter alone", f"{1000 * report.interpreter:.0f}")
    for imported in report.imports:
        table.add_row(imported.statement, f"{1000 * imported.median:.1f}", f"{1000 * imported.worst:.1f}")
    for timed in report.commands:
        table.add_row(timed.command, f"{1000 * timed.median:.0f}", f"{1000 * timed.worst:.0f}")
    out.print(table)


def cells(times: list[float], first: float) -> list[str]:
    return [f"{1000 * value:.0f}" for value in (statistics.median(times), max(times), first)]


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--model", default="srvgg-24x8")
    add_backend(options)
    options.add_argument("--size", type=size, default=(960, 540), metavar="WIDTHxHEIGHT", help="of the clip")
    options.add_argument("--runs", type=int, default=5, help="processes that are counted")
    options.add_argument("options", nargs="*", help="further options of `uprez upscale`, after --")
    return options.parse_args()


if __name__ == "__main__":
    run(main)
