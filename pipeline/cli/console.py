"""Output for people: errors and notes of one line, a progress bar on a terminal and plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from pipeline.cli.option_names import with_options
from pipeline.cli.printable import printable
from pipeline.config.redaction import redact_logins
from pipeline.flow.telemetry import Progress as JobProgress

_PLAIN_SECONDS = 10.0  # between two lines of progress where there is no terminal


class PlainConsole(Console):
    """A console that shows control characters in text as escapes, and does not end the process."""

    def render_str(self, text: str, **options: Any) -> Text:
        """`text` with its markup rendered; a control character in it came from a file's name, a tag or a server."""
        return super().render_str(printable(text), **options)

    def on_broken_pipe(self) -> None:
        """Raise the error, where standard streams are not those of cli/standard_streams.py."""
        raise BrokenPipeError


# Lines are not wrapped if they don't go to a terminal: programs read them line by line.
out = PlainConsole(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else 240)
err = PlainConsole(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def fail(message: str) -> None:
    """Print an error as one line, the settings that it names in backticks as options."""
    err.print(f"[bold red]uprez:[/] {_line(message)}")


def note(message: str) -> None:
    """Print a note as one line, the settings that it names in backticks as options."""
    err.print(f"[yellow]note:[/] {_line(message)}")


def _line(message: str) -> str:
    """`message` as markup of one line: no login that was typed in the wrong place, and no control characters."""
    return escape(printable(redact_logins(with_options(message)), one_line=True))


def facts(rows: list[tuple[str, str]]) -> str:
    """Names and values as text, one pair per line, the values aligned."""
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"[bold]{name:{width}}[/]{escape(value)}" for name, value in rows)


def hours(seconds: float | None) -> str:
    """A duration as text: 59 s, 12 min, 2 h 05 min."""
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def counted(count: int, noun: str) -> str:
    """A count with its noun: 1 frame, 3 frames."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def size(count: float) -> str:
    """A number of bytes as text: 999 B, 1.23 kB, 4.56 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


class Status:
    """Progress of several jobs in a row: `begin` and `end` each, `update` in between as often as convenient.

    A context manager. It draws a progress bar on a terminal, and prints a line every ten seconds elsewhere.

    Args:
        total: Frames of all jobs; 0 if unknown.
        quiet: Print nothing.
    """

    def __init__(self, total: int, quiet: bool) -> None:
        self._total = total
        self._frames_of_ended_jobs = self._frames_resumed = 0
        self._began = self._printed = time.monotonic()
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
            TextColumn("[dim]{task.fields[bottleneck]}"),
            console=err,
            transient=True,
            disable=quiet or not err.is_terminal,
        )

    def begin(self, name: str) -> None:
        """Begin a job."""
        name = self._name = printable(name, one_line=True)
        if self._task is None:
            empty = dict.fromkeys(("frames", "rate", "left", "bottleneck"), "")
            self._task = self._bar.add_task(escape(name), total=self._total or None, **empty)  # type: ignore[arg-type]
        self._bar.update(self._task, description=escape(name))

    def update(self, at: JobProgress) -> None:
        """Show the progress of the current job."""
        done = at.done + self._frames_of_ended_jobs
        worked = done - self._frames_resumed - at.resumed
        elapsed = time.monotonic() - self._began
        left = (self._total - done) * elapsed / worked if self._total and worked > 0 else None
        fields = {
            "frames": f"{done}/{self._total}" if self._total else str(done),
            "rate": f"{at.rate:.1f} fps",
            "left": f"{hours(left)} left",
            "bottleneck": f"bottleneck: {at.bottleneck}",
        }
        if self._task is not None:
            self._bar.update(self._task, completed=min(done, self._total) if self._total else None, **fields)  # type: ignore[arg-type]
        if not self._quiet and not err.is_terminal and time.monotonic() - self._printed > _PLAIN_SECONDS:
            self._printed = time.monotonic()
            err.print(f"{escape(self._name)}: " + ", ".join(fields.values()))

    def end(self, frames: int, resumed: int = 0) -> None:
        """End the current job, which has written `frames` frames, `resumed` of them in earlier runs."""
        self._frames_of_ended_jobs += frames
        self._frames_resumed += resumed

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
