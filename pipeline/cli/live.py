"""`uprez live`: cameras and network streams, until they are stopped."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import typer
from rich.console import Console

from pipeline.cli.console import PlainConsole, fail
from pipeline.cli.exit_codes import EXIT_BAD, EXIT_REFUSED, EXIT_SOME
from pipeline.cli.live_console import screen_for
from pipeline.cli.live_options import with_live_settings
from pipeline.cli.redacted_log import Redact, redacted_logging, redactor
from pipeline.cli.shutdown import ForcedExit, graceful_shutdown
from pipeline.config.live_settings import LiveSettings
from pipeline.errors import RefusedError, UprezError
from pipeline.live.service import Live
from pipeline.system import host

log = logging.getLogger(__name__)

FORCED_EXIT_SECONDS = 1.6  # of the two seconds within which a signal ends the process


@with_live_settings()
def live(settings: LiveSettings) -> None:
    """Upscale cameras and network streams continuously.

    A source or an output that disconnects is reconnected; frames that are late are dropped and counted.

    Exit codes: 0 stopped by a signal or --for, 2 an error, or all streams failed, 3 some streams failed, 4 all streams
    failed, one of them because its password was refused.
    """
    redact = redactor(settings)
    try:
        code = _run(settings, redact)
    except UprezError as error:
        raise type(error)(redact(str(error))) from None  # its causes may contain addresses
    if code:
        raise typer.Exit(code)


def _run(settings: LiveSettings, redact: Redact) -> int:
    """Run all streams to their end. Returns the exit code."""
    console = PlainConsole(stderr=True, highlight=False, emoji=False)
    with redacted_logging(redact, console, settings.quiet):
        try:
            host.limit_malloc_arenas()
            host.raise_file_limit()
            service = Live(settings)
            forced_exit = ForcedExit(FORCED_EXIT_SECONDS, lambda: _exit_code(service, settings))
            with graceful_shutdown(service, forced_exit):
                _run_and_show(service, settings, console)
                for failure in service.failures.values():
                    fail(redact(str(failure)))
        except UprezError:
            raise
        except Exception:  # its traceback may contain addresses, too
            log.exception("a bug, please report it")
            return EXIT_BAD
        return _exit_code(service, settings)


def _run_and_show(service: Live, settings: LiveSettings, console: Console) -> None:
    """Run `service`, and show it on the console, a web page and in a window, as the settings say."""
    with ExitStack() as stack:
        if settings.page:
            from pipeline.live.web import serve

            page = stack.enter_context(serve(service, settings.page, settings.token))
            if not settings.quiet:
                generated = f"?token={page.token}" if page.token and not settings.token else ""
                console.print(f"watch at {page.url}{generated}", soft_wrap=True)
        screen = stack.enter_context(screen_for(console, settings.quiet, settings.as_json))
        if settings.show:
            from pipeline.live.window import show

            show(service, lambda: service.run(screen.show))
        else:
            service.run(screen.show)


def _exit_code(service: Live, settings: LiveSettings) -> int:
    failures = service.failures.values()
    if len(failures) < len(settings.streams):
        return EXIT_SOME if failures else 0
    return EXIT_REFUSED if any(isinstance(failure, RefusedError) for failure in failures) else EXIT_BAD
