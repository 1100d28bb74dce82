"""Where the process begins: Ctrl-C ends it without a word while it is still importing, which takes a moment, too."""

from __future__ import annotations

import sys

from pipeline.cli.exit_codes import EXIT_STOPPED


def main() -> None:
    """Run the command line."""
    try:
        from pipeline.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(EXIT_STOPPED)
    run()
