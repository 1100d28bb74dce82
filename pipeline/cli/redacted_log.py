"""What is logged and said while live streams run: never their secrets."""

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

Clean = Callable[[str], str]

log = logging.getLogger(__name__)


def redactor(settings: LiveSettings) -> Clean:
    """What takes the secrets of all addresses and options of `settings` out of a text."""
    addresses = {address for stream in settings.streams for address in (stream.source, *stream.to)}
    others = Redactor()
    for secret in (
        settings.token or "",
        *(value for each in settings.streams for value in each.input_options.values()),
    ):
        others.add(secret)

    def clean(text: str) -> str:
        for address in addresses:
            text = address.redact(text)
        return others.redact(text)

    return clean


@contextmanager
def redacted_logging(clean: Clean, console: Console, quiet: bool) -> Iterator[None]:
    """Meanwhile all that is logged goes through `clean` to `console`, tracebacks and what ends threads among it.

    quiet: errors only.
    """
    root, before = logging.getLogger(), threading.excepthook
    handlers, root.handlers = root.handlers, [_Lines(clean, console, logging.ERROR if quiet else logging.WARNING)]
    threading.excepthook = _end_of_thread
    try:
        yield
    finally:
        root.handlers, threading.excepthook = handlers, before


class _Lines(logging.Handler):
    """Prints records, cleaned as they will be read: arguments, tracebacks and all. A console draws its table below."""

    def __init__(self, clean: Clean, console: Console, level: int) -> None:
        super().__init__(level)
        self._clean, self._console = clean, console

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = with_options(self._clean(self.format(record)))
            self._console.print(f"uprez: {escape(text)}", soft_wrap=True)
        except Exception:
            self.handleError(record)


def _end_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        name = ended.thread.name if ended.thread else "a thread"
        log.error("%s: a bug, please report it", name, exc_info=ended.exc_value)
