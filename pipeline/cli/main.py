"""The command `uprez`: its own options, and the exit codes of errors.

Exit codes: 0 all done and complete, else those of cli/exit_codes.py.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

import pipeline
from pipeline.cli.commands import COMMANDS, LazyGroup
from pipeline.cli.exit_codes import EXIT_BAD, EXIT_STOPPED
from pipeline.cli.option_names import MessageFormatter
from pipeline.cli.signals import interrupted_by_signals
from pipeline.errors import Cancelled, UprezError

app = typer.Typer(
    cls=LazyGroup,
    help="Super-resolve video at stream rate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(f"uprez {pipeline.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 writes to the terminal by itself: errors only
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MessageFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def main() -> None:
    """Run the command line. An error that the project raises on purpose becomes one line and an exit code."""
    try:
        _refuse_address_as_command(sys.argv[1:2])
        with interrupted_by_signals():
            app(prog_name="uprez")
    except KeyboardInterrupt:
        sys.exit(EXIT_STOPPED)
    except Cancelled as error:
        _fail(str(error))
        sys.exit(EXIT_STOPPED)
    except UprezError as error:
        _fail(str(error))
        sys.exit(EXIT_BAD)


def _refuse_address_as_command(arguments: list[str]) -> None:
    """Raise InputError for an address without a command: `live` is easily forgotten, and typer would quote secrets."""
    for argument in arguments:
        if argument not in COMMANDS and not argument.startswith("-"):
            from pipeline.config.address import refuse_address

            refuse_address(argument)


def _fail(message: str) -> None:
    from pipeline.cli.console import fail  # slow to import, and rarely needed
    from pipeline.config.redaction import redact_logins

    fail(redact_logins(message))


if __name__ == "__main__":
    main()
