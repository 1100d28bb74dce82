"""Statistics of live streams for people and programs: a table on a terminal, plain lines elsewhere, or JSON."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console, Group
from rich.live import Live as LiveDisplay
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipeline.cli.console import counted, hours, size
from pipeline.cli.option_names import with_options
from pipeline.cli.printable import printable
from pipeline.cli.standard_streams import take_write_error
from pipeline.live.stats import GpuFigures, LiveFigures, OutputFigures, StreamFigures

log = logging.getLogger(__name__)

_JSON_SECONDS = 1.0
_SUMMARY_SECONDS = 10.0  # at first, while somebody may be watching;
_RARE_SUMMARY_SECONDS = 60.0  # later, so that the log of several weeks stays small
_RARE_AFTER_SECONDS = 300.0
_KEEPING_UP = 0.9  # of the source's frame rate, at least
_COLOURS = {"live": "green", "connecting": "yellow", "waiting": "yellow", "failed": "bold red", "ended": "dim"}

Clock = Callable[[], float]


class Screen(Protocol):
    """Shows statistics: `show` is called four times a second. A context manager; at its end the last ones are final."""

    def show(self, figures: LiveFigures) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def screen_for(console: Console, quiet: bool, as_json: bool) -> Screen:
    """The screen for JSON on standard output if requested; else for people on `console`, unless `quiet`."""
    if as_json:
        return JsonScreen()
    if quiet:
        return NullScreen()
    return TableScreen(console) if console.is_terminal else LineScreen(console)


class _StatelessScreen:
    """A screen that has nothing to begin or to end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class NullScreen(_StatelessScreen):
    """Shows nothing."""

    def show(self, figures: LiveFigures) -> None:
        pass


class JsonScreen(_StatelessScreen):
    """Prints LiveFigures as a line of JSON every second, and a last one at the end.

    If standard output can't be written, for instance because its reader has ended, one warning is logged, and the
    streams go on.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._printed_at: float | None = None
        self._pending: LiveFigures | None = None
        self._has_failed = False

    def show(self, figures: LiveFigures) -> None:
        now = self._clock()
        self._pending = figures
        if self._printed_at is None or now - self._printed_at >= _JSON_SECONDS:
            self._printed_at = now
            self._print(figures)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pending and kind is None:
            self._print(self._pending)

    def _print(self, figures: LiveFigures) -> None:
        self._pending = None
        print(json.dumps(_with_options(figures.model_dump(mode="json")), separators=(",", ":")), flush=True)
        error = take_write_error(sys.stdout)
        if error and not self._has_failed:
            self._has_failed = True
            log.warning("--json: standard output can't be written (%s); the streams go on", error.strerror)


def _with_options(figures: dict[str, Any]) -> dict[str, Any]:
    """`figures` as JSON types, the settings that reasons name in backticks as options."""
    for stream in figures["streams"]:
        for each in (stream, *stream["outputs"]):
            each["reason"] = with_options(each["reason"])
    return figures


class LineScreen(_StatelessScreen):
    """Prints a line when a stream or an output connects or disconnects, and a summary at intervals."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._reports: dict[str, _StatusReport] = {}
        self._formats: dict[str, str] = {}
        self._began = self._summarised_at = clock()
        self._stamp = "" if "JOURNAL_STREAM" in os.environ else "%Y-%m-%d %H:%M:%S "  # systemd's journal has its own

    def show(self, figures: LiveFigures) -> None:
        now = self._clock()
        for stream in figures.streams:
            self._report(stream.name, stream.status, stream.reason, now)
            if stream.result_format and self._formats.get(stream.name) != formats(stream):
                self._formats[stream.name] = formats(stream)
                self._print(f"{stream.name}: {formats(stream)}, {stream.model} on {stream.backend}")
            for output in stream.outputs:
                self._report(f"{stream.name} to {output.name}", output.status, output.reason, now)
        interval = _SUMMARY_SECONDS if now - self._began < _RARE_AFTER_SECONDS else _RARE_SUMMARY_SECONDS
        if now - self._summarised_at >= interval:
            self._summarised_at = now
            for stream in figures.streams:
                self._print(f"{stream.name}: {summary(stream)}")

    def _report(self, name: str, status: str, reason: str, now: float) -> None:
        report = self._reports.setdefault(name, _StatusReport(now))
        if line := report.line(status, with_options(reason), now):
            self._print(f"{name}: {line}")

    def _print(self, line: str) -> None:
        stamp = time.strftime(self._stamp) if self._stamp else ""
        with contextlib.suppress(OSError):  # a log that is full or closed must not end a recording
            self._console.print(escape(printable(stamp + line, one_line=True)), soft_wrap=True)


class _StatusReport:
    """Turns the status of a stream or an output into lines: one per change, and none per attempt to reconnect."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._state, self._reason, self._was_live = "", "", False

    def line(self, status: str, reason: str, now: float) -> str:
        """A line on the status, if it changed; while disconnected, only another reason counts as a change."""
        state = "disconnected" if status in ("connecting", "waiting") else status
        if state == "disconnected" and not reason:
            reason = self._reason if self._state == "disconnected" else ""
        if (state, reason) == (self._state, self._reason) or (state == "live" and state == self._state):
            return ""
        duration = hours(now - self._since)
        lost = f"disconnected after {duration}" if self._state == "live" else "not connected"
        line = {
            "live": f"reconnected after {duration}" if self._was_live else "live",
            "disconnected": f"{lost}: {reason}; retrying",
            "failed": f"failed: {reason}",
            "ended": "ended",
        }[state]
        if state != self._state:
            self._since = now
        self._was_live |= state == "live"
        is_first_attempt = state == "disconnected" and not reason and not self._state
        self._state, self._reason = state, reason
        return "" if is_first_attempt else line


class TableScreen:
    """Draws a table on a terminal, again whenever there are new statistics."""

    def __init__(self, console: Console) -> None:
        self._display = LiveDisplay(console=console, auto_refresh=False, transient=False)
        self._context = ExitStack()

    def show(self, figures: LiveFigures) -> None:
        with contextlib.suppress(OSError):  # a terminal that was closed must not end a recording
            self._display.update(table(figures), refresh=True)

    def __enter__(self) -> Self:
        self._context.enter_context(self._display)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._context.close()


def table(figures: LiveFigures) -> Group:
    """A row for each stream, one for each of its outputs below it, and the machine's at the end."""
    rows = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    rows.add_column("stream", overflow="fold")
    rows.add_column("status", overflow="fold")
    for column in ("rate", "delay, ms", "queued", "dropped", "reconn."):
        rows.add_column(column, justify="right", overflow="fold")
    for stream in figures.streams:
        numbers = (rates(stream), delays(stream), str(stream.waiting), _dropped(stream), str(stream.reconnects))
        rows.add_row(Text(stream.name, "bold"), _status(stream), *numbers)
        if stream.result_format:
            rows.add_row("", Text(formats(stream), "dim"))
        for output in stream.outputs:
            reconnects = str(max(0, output.connects - 1))
            rows.add_row(Text(f"  to {output.name}"), _status(output), "", "", "", _dropped(output), reconnects)
    return Group(rows, Text(machine(figures), "dim"))


def drops(of: StreamFigures | OutputFigures) -> dict[str, int]:
    """Number of dropped and skipped frames or packets, by reason."""
    skipped = of.skipped if isinstance(of, StreamFigures) else {}
    return {reason: count for reason, count in (*of.dropped.items(), *skipped.items()) if count}


def _dropped(of: StreamFigures | OutputFigures) -> str:
    return "\n".join(f"{count} {reason}" for reason, count in drops(of).items()) or "0"


def _status(of: StreamFigures | OutputFigures) -> Text:
    detail = f" {hours(of.seconds)}" if isinstance(of, StreamFigures) else f" {size(of.bytes)}" if of.bytes else ""
    text = Text(of.status + detail, _COLOURS[of.status])
    reason = printable(with_options(of.reason), one_line=True)
    return text.append(f", {reason}" if reason and of.status != "live" else "")


def formats(stream: StreamFigures) -> str:
    """The formats of source and output."""
    return f"{stream.source_format} to {stream.result_format}"


def rates(stream: StreamFigures) -> str:
    """Frames per second of source and output; one number if they are the same."""
    source, output = f"{stream.rate_in:.1f}", f"{stream.rate_out:.1f}"
    return f"{source} fps" if source == output else f"{source} fps in, {output} out"


def delays(stream: StreamFigures) -> str:
    """The 50th, 95th and 99th percentile of the delay, in milliseconds."""
    if stream.delay is None:
        return "-"
    return "/".join(f"{1000 * value:.0f}" for value in (stream.delay.p50, stream.delay.p95, stream.delay.p99))


def summary(stream: StreamFigures) -> str:
    """A stream and its outputs in one line."""
    parts = [f"{stream.status} for {hours(stream.seconds)}", rates(stream)]
    if stream.delay:
        parts.append(f"delay {delays(stream)} ms")
    parts += [f"{count} dropped ({reason})" for reason, count in drops(stream).items()]
    if stream.frames_repeated:
        parts.append(f"{counted(stream.frames_repeated, 'repeated frame')}, upscaled once")
    if _is_too_slow(stream):
        parts.append("this machine is too slow for it: use a smaller --model or a GPU")
    parts += [f"reconnected {counted(stream.reconnects, 'time')}"] * (stream.reconnects > 0)
    parts += [f"{output.name} {output.status}, {size(output.bytes)}" for output in stream.outputs]
    return ", ".join(parts)


def _is_too_slow(stream: StreamFigures) -> bool:
    return stream.status == "live" and stream.waiting > 0 and 0 < stream.rate_out < _KEEPING_UP * stream.rate_in


def machine(figures: LiveFigures) -> str:
    """The process and its GPUs in one line."""
    return ", ".join([f"{hours(figures.uptime)}, {size(figures.memory)} of memory", *map(_gpu, figures.gpus)])


def _gpu(gpu: GpuFigures) -> str:
    return f"{gpu.name} {gpu.use:.0%}, {size(gpu.memory)} of {size(gpu.memory_total)}"
