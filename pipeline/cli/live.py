"""`uprez live`: cameras and network streams, until somebody stops them."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import typer
from rich.console import Console

from pipeline.cli import options as o
from pipeline.cli.console import fail
from pipeline.cli.exit_codes import EXIT_BAD, EXIT_REFUSED, EXIT_SOME
from pipeline.cli.live_console import screen_for
from pipeline.cli.redacted_log import Clean, redacted_logging, redactor
from pipeline.cli.shutdown import ForcedExit, graceful_shutdown
from pipeline.config.live_settings import LiveSettings
from pipeline.errors import RefusedError, UprezError
from pipeline.live.service import Live
from pipeline.system import host

log = logging.getLogger(__name__)

_FORCED_EXIT_SECONDS = 1.6  # of the two within which it is promised to end


def live(
    source: o.LiveSource = None,
    to: o.LiveTo = None,
    show: o.Show = None,
    page: o.Page = None,
    token: o.Token = None,
    config: o.Config = None,
    name: o.LiveName = None,
    format: o.Format = None,
    transport: o.Transport = None,
    ca_file: o.CaFile = None,
    input: o.Input = None,
    audio: o.Audio = None,
    fill: o.GapFiller = None,
    for_: o.For = None,
    model: o.Model = None,
    backend: o.Backend = None,
    engine: o.Engine = None,
    device: o.Device = None,
    precision: o.Precision = None,
    vram: o.Vram = None,
    decoder: o.Decoder = None,
    deinterlace: o.Deinterlace = None,
    codec: o.Codec = None,
    pix_fmt: o.PixFmt = None,
    crf: o.Crf = None,
    preset: o.Preset = None,
    extra: o.Extra = None,
    gop: o.Gop = None,
    segment: o.Segment = None,
    keep: o.Keep = None,
    hls_segment: o.HlsSegment = None,
    hls_list: o.HlsList = None,
    timeout: o.Timeout = None,
    poll: o.Poll = None,
    poll_for: o.PollFor = None,
    longest_wait: o.LongestWait = None,
    tries: o.Tries = None,
    slots: o.LiveSlots = None,
    contexts: o.Contexts = None,
    threads: o.Threads = None,
    quiet: o.LiveQuiet = None,
    as_json: o.LiveJson = None,
) -> None:
    """Upscale cameras and network streams continuously.

    A source or an output that is lost is reconnected; frames that are late are dropped and counted.

    Exit codes: 0 stopped by Ctrl-C, SIGTERM or --for, 2 nothing runs, or all streams failed, 3 some of them failed, 4
    all failed, and one for its password.
    """
    settings = o.live_settings(config, locals())
    clean = redactor(settings)
    try:
        code = _run(settings, clean)
    except UprezError as error:
        raise type(error)(clean(str(error))) from None  # causes may hold addresses
    if code:
        raise typer.Exit(code)


class _Console(Console):
    """One that nobody may be listening to any more; rich would end the process."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _run(settings: LiveSettings, clean: Clean) -> int:
    """Run all streams to their end; the exit code."""
    console = _Console(stderr=True, highlight=False, emoji=False)
    with redacted_logging(clean, console, settings.quiet):
        try:
            host.limit_malloc_arenas()
            running = Live(settings)
            forced_exit = ForcedExit(_FORCED_EXIT_SECONDS, lambda: _code(running, settings))
            with graceful_shutdown(running, forced_exit):
                _watch(running, settings, console)
                for failure in running.failures.values():
                    fail(clean(str(failure)))
        except UprezError:
            raise
        except Exception:  # its traceback may hold addresses, too
            log.exception("a bug, please report it")
            return EXIT_BAD
        return _code(running, settings)


def _watch(running: Live, settings: LiveSettings, console: Console) -> None:
    """Run it, and show it wherever it shall be seen."""
    with ExitStack() as stack:
        if settings.page:
            from pipeline.live.web import serve

            page = stack.enter_context(serve(running, settings.page, settings.token))
            if not settings.quiet:
                made = f"?token={page.token}" if page.token and not settings.token else ""
                console.print(f"watch at {page.url}{made}", soft_wrap=True)
        screen = stack.enter_context(screen_for(console, settings.quiet, settings.as_json))
        if settings.show:
            from pipeline.live.window import show

            show(running, lambda: running.run(screen.tell))
        else:
            running.run(screen.tell)


def _code(running: Live, settings: LiveSettings) -> int:
    failures = running.failures.values()
    if len(failures) < len(settings.streams):
        return EXIT_SOME if failures else 0
    return EXIT_REFUSED if any(isinstance(failure, RefusedError) for failure in failures) else EXIT_BAD
