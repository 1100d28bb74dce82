"""`uprez`: the commands, and how errors leave the process.

Exit codes: 0 all done and whole, else those of cli/exit_codes.py.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

import pipeline
from pipeline.cli import bench, doctor, engine, live, models, probe, upscale, verify
from pipeline.cli.console import MessageFormatter, fail
from pipeline.cli.exit_codes import EXIT_BAD, EXIT_STOPPED
from pipeline.cli.signals import interrupted_by_signals
from pipeline.config.address import refuse_address
from pipeline.config.redaction import redact_logins
from pipeline.errors import Cancelled, UprezError

app = typer.Typer(
    help="Super-resolve video at stream rate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS = (upscale.upscale, live.live, verify.verify, probe.probe, bench.bench, models.models, doctor.doctor)
for command in _COMMANDS:
    app.command()(command)
app.add_typer(engine.engine, name="engine")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"uprez {pipeline.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it and end.")
    ] = False,
) -> None:
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 writes to the terminal by itself: errors only
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MessageFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def main() -> None:
    """Run the command line; whatever the project raises on purpose becomes one line and an exit code."""
    try:
        for command in sys.argv[1:2]:  # `live` is easily forgotten, and typer would quote the address
            refuse_address(command)
        with interrupted_by_signals():
            app()
    except KeyboardInterrupt:
        sys.exit(EXIT_STOPPED)
    except Cancelled as error:
        fail(str(error))
        sys.exit(EXIT_STOPPED)
    except UprezError as error:
        fail(redact_logins(str(error)))
        sys.exit(EXIT_BAD)


if __name__ == "__main__":
    main()
