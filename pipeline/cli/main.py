"""The command `uprez`: its own options, and the exit codes of errors.

Exit codes: 0 all done and complete, else those of cli/exit_codes.py.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from typing import Annotated, Any

import typer

import pipeline
from pipeline.cli.commands import COMMANDS, LazyGroup
from pipeline.cli.exit_codes import EXIT_BAD, EXIT_BUG, EXIT_STOPPED
from pipeline.cli.option_names import MessageFormatter
from pipeline.cli.signals import interrupted_by_signals
from pipeline.cli.standard_streams import take_write_error
from pipeline.errors import Cancelled, OutputError, UprezError

log = logging.getLogger(__name__)


_USAGE_ERRORS = typer.BadParameter.__bases__  # of click, which newer versions of typer contain

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
            code = app(prog_name="uprez", standalone_mode=False)
        _check_standard_output()
    except KeyboardInterrupt:
        sys.exit(EXIT_STOPPED)
    except Cancelled as error:
        _fail(str(error))
        sys.exit(EXIT_STOPPED)
    except UprezError as error:
        _fail(str(error))
        sys.exit(EXIT_BAD)
    except Exception as error:
        if isinstance(error, _USAGE_ERRORS):
            if message := _usage_message(error):
                _fail(message)
            sys.exit(EXIT_BAD)
        log.exception("a bug, please report it with the traceback")
        sys.exit(EXIT_BUG)
    if code:
        sys.exit(code)


def _usage_message(error: Any) -> str:
    """What is wrong with the arguments, and the command that explains them; empty if it was printed already."""
    command = getattr(getattr(error, "ctx", None), "command_path", "uprez")
    message = str(error.format_message()).rstrip(".")
    return f"{message}; see `{command} --help`" if message else ""


def _check_standard_output() -> None:
    """Raise OutputError if something that was printed got lost, unless its reader has ended, as `head` does."""
    error = take_write_error(sys.stdout)
    if error and error.errno != errno.EPIPE:
        raise OutputError(f"standard output can't be written ({error.strerror}): the output is incomplete")


def _refuse_address_as_command(arguments: list[str]) -> None:
    """Raise InputError for an address without a command: `live` is easily forgotten, and typer would quote secrets."""
    for argument in arguments:
        if argument not in COMMANDS and not argument.startswith("-"):
            from pipeline.config.address import refuse_address

            refuse_address(argument)


def _fail(message: str) -> None:
    from pipeline.cli.console import fail  # slow to import, and rarely needed

    fail(message)


if __name__ == "__main__":
    main()
