"""The log of live streams, in which secrets are redacted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from pipeline.cli.option_names import with_options
from pipeline.config.live_settings import LiveSettings
from pipeline.config.redaction import Redactor

Redact = Callable[[str], str]

log = logging.getLogger(__name__)


def redactor(settings: LiveSettings) -> Redact:
    """Returns a function that removes the secrets of all addresses and options of `settings` from a text."""
    addresses = {address for stream in settings.streams for address in (stream.source, *stream.to)}
    others = Redactor()
    others.add(settings.token or "")
    for stream in settings.streams:
        for value in stream.input_options.values():
            others.add(value)

    def redact(text: str) -> str:
        for address in addresses:
            text = address.redact(text)
        return others.redact(text)

    return redact


@contextmanager
def redacted_logging(redact: Redact, console: Console, quiet: bool) -> Iterator[None]:
    """Inside, log records and the exceptions that end threads are redacted, tracebacks included, and printed.

    Args:
        redact: Removes the secrets from a text.
        console: Prints the lines; a table that it draws stays below them.
        quiet: Print errors only.
    """
    root, before = logging.getLogger(), threading.excepthook
    handlers, root.handlers = root.handlers, [_Handler(redact, console, logging.ERROR if quiet else logging.WARNING)]
    threading.excepthook = _log_end_of_thread
    try:
        yield
    finally:
        root.handlers, threading.excepthook = handlers, before


class _Handler(logging.Handler):
    """Prints records, redacted after their arguments and tracebacks have been formatted."""

    def __init__(self, redact: Redact, console: Console, level: int) -> None:
        super().__init__(level)
        self._redact, self._console = redact, console

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = with_options(self._redact(self.format(record)))
            self._console.print(f"uprez: {escape(text)}", soft_wrap=True)
        except Exception:
            self.handleError(record)


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        name = ended.thread.name if ended.thread else "a thread"
        log.error("%s: a bug, please report it", name, exc_info=ended.exc_value)
