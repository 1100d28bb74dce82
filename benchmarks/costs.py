"""Shows where each per cent goes between the bare network on a GPU and a session in threads, without codecs.

    python benchmarks/costs.py --save costs.json
    python benchmarks/costs.py --model srvgg-24x8 --sizes 960x540 --engine rtx

Each row adds a step to the row before: the kernels before and after the network, the copies from and to page-locked
memory, the session's Python, the threads of a job. "ms" is the time of a frame that is not hidden behind the others.
`benchmarks/handover.py` shows the time of each thread; `uprez bench` adds the codecs.
"""

from __future__ import annotations

from common.script import out, parser, run, save, size
from pydantic import BaseModel, Field
from rich.table import Table

from pipeline import HostFacts, Settings, host_facts, step_rates


class Row(BaseModel):
    """One step on one size."""

    size: str = Field(description="WIDTHxHEIGHT of the frames in pixels")
    step: str = Field(description="what was added to the row before")
    rate: float = Field(description="frames per second")


class Report(HostFacts):
    """One run of costs.py."""

    model: str
    engine: str
    seconds: float = Field(description="how long each step was measured")
    rows: list[Row]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", default="clear-x2")
    options.add_argument("--engine", default="auto", help="as for `uprez upscale`")
    options.add_argument("--sizes", nargs="+", type=size, default=[(960, 540), (1920, 1080)], metavar="WIDTHxHEIGHT")
    options.add_argument("--seconds", type=float, default=0.5, help="how long to measure each step")
    args = options.parse_args()
    settings = Settings.load(None, model=args.model, engine=args.engine, backend="tensorrt")
    rows = []
    for width, height in args.sizes:
        rates = step_rates(settings, width, height, args.seconds)
        rows += [Row(size=f"{width}x{height}", step=each.step, rate=each.rate) for each in rates]
        out.print(_table([row for row in rows if row.size == f"{width}x{height}"]))
    facts = host_facts(settings.device).model_dump()
    save(Report(**facts, model=args.model, engine=args.engine, seconds=args.seconds, rows=rows), args.save)


def _table(rows: list[Row]) -> Table:
    table = Table(title=rows[0].size, title_justify="left", box=None, padding=(0, 3, 0, 0))
    for column in ("", "frames/s", "of the network", "ms"):
        table.add_column(column, justify="right" if column else "left")
    before = 0.0
    for row in rows:
        milliseconds = 1000 / row.rate
        table.add_row(row.step, f"{row.rate:.1f}", f"{row.rate / rows[0].rate:.1%}", f"{milliseconds - before:+.3f}")
        before = milliseconds
    return table


if __name__ == "__main__":
    run(main)
