"""What people see of live streams: a table on a terminal, plain lines elsewhere, JSON for programs."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live as Redrawn
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipeline.cli.console import hours, size
from pipeline.cli.option_names import with_options
from pipeline.errors import OutputError
from pipeline.live.stats import GpuFigures, LiveFigures, OutputFigures, StreamFigures

_JSON_SECONDS = 1.0
_SUMMARY_SECONDS = 10.0  # at first, while somebody may be watching;
_RARE_SECONDS = 60.0  # later, so that weeks of it fill no journal,
_OFTEN_FOR = 300.0  # after so long
_KEEPING_UP = 0.9  # of the frames that come, at least
_COLOURS = {"live": "green", "connecting": "yellow", "waiting": "yellow", "failed": "bold red", "ended": "dim"}

Clock = Callable[[], float]


class Screen(Protocol):
    """Is told the figures, four times a second; a context, at whose end the last ones are final."""

    def tell(self, figures: LiveFigures) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def screen_for(console: Console, quiet: bool, as_json: bool) -> Screen:
    """JSON on standard output where it is asked for, else what people read, on `console`, unless `quiet`."""
    if as_json:
        return JsonLines()
    if quiet:
        return Nothing()
    return LiveTable(console) if console.is_terminal else Lines(console)


class _Plain:
    """A screen that needs no end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Nothing(_Plain):
    """Tells nothing."""

    def tell(self, figures: LiveFigures) -> None:
        pass


class JsonLines(_Plain):
    """A line of JSON a second, LiveFigures, and a last one at the end. Raises OutputError when nobody reads them."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._told: float | None = None
        self._untold: LiveFigures | None = None

    def tell(self, figures: LiveFigures) -> None:
        now = self._clock()
        self._untold = figures
        if self._told is None or now - self._told >= _JSON_SECONDS:
            self._told = now
            self._print(figures)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._untold and kind is None:
            self._print(self._untold)

    def _print(self, figures: LiveFigures) -> None:
        self._untold = None
        try:
            print(figures.model_dump_json(), flush=True)
        except OSError as error:
            with contextlib.suppress(OSError):  # so that what is buffered is not tried again at the end
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise OutputError(f"--json: standard output can't be written ({error.strerror})") from error


class Lines(_Plain):
    """A line when a stream or an output goes or comes back, and a summary now and then."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._news: dict[str, _News] = {}
        self._shapes: dict[str, str] = {}
        self._began = self._told = clock()
        self._stamp = "" if "JOURNAL_STREAM" in os.environ else "%Y-%m-%d %H:%M:%S "  # systemd's journal has its own

    def tell(self, figures: LiveFigures) -> None:
        now = self._clock()
        for stream in figures.streams:
            self._follow(stream.name, stream.status, stream.reason, now)
            if stream.result_format and self._shapes.get(stream.name) != shape(stream):
                self._shapes[stream.name] = shape(stream)
                self._say(f"{stream.name}: {shape(stream)}, {stream.model} on {stream.backend}")
            for output in stream.outputs:
                self._follow(f"{stream.name} to {output.name}", output.status, output.reason, now)
        often = now - self._began < _OFTEN_FOR
        if now - self._told >= (_SUMMARY_SECONDS if often else _RARE_SECONDS):
            self._told = now
            for stream in figures.streams:
                self._say(f"{stream.name}: {summary(stream)}")

    def _follow(self, name: str, status: str, reason: str, now: float) -> None:
        news = self._news.setdefault(name, _News(now))
        if line := news.line(status, with_options(reason), now):
            self._say(f"{name}: {line}")

    def _say(self, line: str) -> None:
        stamp = time.strftime(self._stamp) if self._stamp else ""
        with contextlib.suppress(OSError):  # a log that is full or gone must end no recording
            self._console.print(escape(stamp + line), soft_wrap=True)


class _News:
    """What is new about something that comes and goes. While it is away only another reason is news, not each try."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._was, self._reason, self._came = "", "", False

    def line(self, status: str, reason: str, now: float) -> str:
        """A line, if there are news."""
        state = "away" if status in ("connecting", "waiting") else status
        if state == "away" and not reason:
            reason = self._reason if self._was == "away" else ""
        if (state, reason) == (self._was, self._reason) or (state == "live" and state == self._was):
            return ""
        lasted = hours(now - self._since)
        line = {
            "live": f"back after {lasted}" if self._came else "live",
            "away": (f"lost after {lasted}" if self._was == "live" else "not there") + f": {reason}; trying again",
            "failed": f"failed: {reason}",
            "ended": "ended",
        }[state]
        if state != self._was:
            self._since = now
        self._came |= state == "live"
        is_first_try = state == "away" and not reason and not self._was
        self._was, self._reason = state, reason
        return "" if is_first_try else line


class LiveTable:
    """A table that is drawn again whenever there are figures."""

    def __init__(self, console: Console) -> None:
        self._redrawn = Redrawn(console=console, auto_refresh=False, transient=False)
        self._context = ExitStack()

    def tell(self, figures: LiveFigures) -> None:
        with contextlib.suppress(OSError):  # a terminal that was closed must end no recording
            self._redrawn.update(table(figures), refresh=True)

    def __enter__(self) -> Self:
        self._context.enter_context(self._redrawn)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._context.close()


def table(figures: LiveFigures) -> Group:
    """A row for each stream, one for each of its outputs below, and the machine's at the end."""
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    made.add_column("stream", overflow="fold")
    made.add_column("", overflow="fold")
    for column in ("rate", "delay, ms", "waits", "dropped", "lost"):
        made.add_column(column, justify="right", overflow="fold")
    for stream in figures.streams:
        numbers = (rates(stream), delays(stream), str(stream.waiting), _dropped(stream))
        made.add_row(Text(stream.name, "bold"), _state(stream), *numbers, str(stream.reconnects))
        if stream.result_format:
            made.add_row("", Text(shape(stream), "dim"))
        for output in stream.outputs:
            made.add_row(Text(f"  to {output.name}"), _state(output), "", "", "", *_losses(output))
    return Group(made, Text(machine(figures), "dim"))


def left_out(of: StreamFigures | OutputFigures) -> dict[str, int]:
    """Frames and packets, by reason."""
    skipped = of.skipped if isinstance(of, StreamFigures) else {}
    return {reason: count for reason, count in (*of.dropped.items(), *skipped.items()) if count}


def _dropped(of: StreamFigures | OutputFigures) -> str:
    return "\n".join(f"{count} {reason}" for reason, count in left_out(of).items()) or "0"


def _losses(output: OutputFigures) -> tuple[str, str]:
    return _dropped(output), str(max(0, output.connects - 1))


def _state(of: StreamFigures | OutputFigures) -> Text:
    since = f" {hours(of.seconds)}" if isinstance(of, StreamFigures) else f" {size(of.bytes)}" if of.bytes else ""
    text = Text(of.status + since, _COLOURS[of.status])
    return text.append(f", {with_options(of.reason)}" if of.reason and of.status != "live" else "")


def shape(stream: StreamFigures) -> str:
    """What becomes of what."""
    return f"{stream.source_format} to {stream.result_format}"


def rates(stream: StreamFigures) -> str:
    """Frames in a second, in and out; one number where they are the same."""
    came, left = f"{stream.rate_in:.1f}", f"{stream.rate_out:.1f}"
    return f"{came} fps" if came == left else f"{came} fps in, {left} out"


def delays(stream: StreamFigures) -> str:
    """Milliseconds: p50, p95, p99."""
    if stream.delay is None:
        return "-"
    return "/".join(f"{1000 * value:.0f}" for value in (stream.delay.p50, stream.delay.p95, stream.delay.p99))


def summary(stream: StreamFigures) -> str:
    """A stream and its outputs in a line."""
    parts = [f"{stream.status} for {hours(stream.seconds)}", rates(stream)]
    if stream.delay:
        parts.append(f"delay {delays(stream)} ms")
    parts += [f"{count} dropped ({reason})" for reason, count in left_out(stream).items()]
    if _is_too_slow(stream):
        parts.append("this machine is too slow for it: a smaller --model or a GPU would keep up")
    parts += [f"lost {stream.reconnects} times"] * (stream.reconnects > 0)
    parts += [f"{output.name} {output.status}, {size(output.bytes)}" for output in stream.outputs]
    return ", ".join(parts)


def _is_too_slow(stream: StreamFigures) -> bool:
    return stream.status == "live" and stream.waiting > 0 and 0 < stream.rate_out < _KEEPING_UP * stream.rate_in


def machine(figures: LiveFigures) -> str:
    """The process and its GPUs in a line."""
    return ", ".join([f"{hours(figures.uptime)}, {size(figures.memory)} of memory", *map(_gpu, figures.gpus)])


def _gpu(gpu: GpuFigures) -> str:
    return f"{gpu.name} {gpu.use:.0%}, {size(gpu.memory)} of {size(gpu.memory_total)}"
