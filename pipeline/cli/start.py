"""The entry point of `uprez`: Ctrl-C ends the process quietly even while it is importing."""

from __future__ import annotations

import sys

from pipeline.cli.exit_codes import EXIT_STOPPED
from pipeline.cli.standard_streams import install_tolerant_streams


def main() -> None:
    """Run the command line."""
    install_tolerant_streams()
    try:
        from pipeline.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(EXIT_STOPPED)
    run()
