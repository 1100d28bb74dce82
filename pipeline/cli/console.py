"""What people see: one line for errors, a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pipeline.cli.option_names import with_options

_PLAIN_SECONDS = 10.0

# Elsewhere than on a terminal nothing is wrapped: what reads it wants whole lines.
out = Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else 240)
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def fail(message: str) -> None:
    """Print an error as one line, the settings that it names in backticks as options."""
    err.print(f"[bold red]uprez:[/] {escape(with_options(message))}")


def note(message: str) -> None:
    """Print a note as one line, the settings that it names in backticks as options."""
    err.print(f"[yellow]note:[/] {escape(with_options(message))}")


def facts(rows: list[tuple[str, str]]) -> str:
    """Names and values, a line each."""
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"[bold]{name:{width}}[/]{escape(value)}" for name, value in rows)


def hours(seconds: float | None) -> str:
    """A duration as people say it."""
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: float) -> str:
    """Bytes as people say them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


class Status:
    """Shows how a set of jobs gets on: `begin` for each, `update` as often as one likes."""

    def __init__(self, total: int, quiet: bool) -> None:
        self._total = total
        self._done_before = 0
        self._began = self._told = time.monotonic()
        self._name = ""
        self._quiet = quiet
        self._task: TaskID | None = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[frames]}"),
            TextColumn("[cyan]{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("[dim]{task.fields[wall]}"),
            console=err,
            transient=True,
            disable=quiet or not err.is_terminal,
        )

    def begin(self, name: str) -> None:
        self._name = name
        if self._task is None:
            fields = {"frames": "", "rate": "", "left": "", "wall": ""}
            self._task = self._bar.add_task(escape(name), total=self._total or None, **fields)  # type: ignore[arg-type]
        self._bar.update(self._task, description=escape(name))

    def update(self, done: int, rate: float, wall: str) -> None:
        """`done` frames of the present job, at `rate` frames a second; `wall` is the stage that limits it."""
        done += self._done_before
        elapsed = time.monotonic() - self._began
        left = (self._total - done) * elapsed / done if self._total and done else None
        frames = f"{done}/{self._total}" if self._total else str(done)
        told = {"frames": frames, "rate": f"{rate:.1f} fps", "left": f"{hours(left)} left", "wall": f"wall: {wall}"}
        if self._task is not None:
            self._bar.update(self._task, completed=min(done, self._total) if self._total else None, **told)  # type: ignore[arg-type]
        if not self._quiet and not err.is_terminal and time.monotonic() - self._told > _PLAIN_SECONDS:
            self._told = time.monotonic()
            err.print(f"{escape(self._name)}: " + ", ".join(told.values()))

    def end(self, frames: int) -> None:
        """The present job is done, having made `frames`."""
        self._done_before += frames

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
