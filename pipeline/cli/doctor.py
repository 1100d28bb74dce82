"""`uprez doctor`: what this machine can do."""

from __future__ import annotations

import typer
from rich.markup import escape

from pipeline.cli.console import out
from pipeline.cli.option_names import with_options
from pipeline.diagnostics.doctor import examine


def doctor() -> None:
    """Show what this machine can do, and how to install what is missing."""
    findings = examine()
    for finding in findings:
        mark = "[green]✓[/]" if finding.fine else "[red]✗[/]" if finding.needed else "[yellow]-[/]"
        mend = f"\n    {finding.mend}" if finding.mend and not finding.fine else ""
        out.print(f"{mark} [bold]{finding.name}[/]: {escape(with_options(finding.detail + mend))}")
    if any(finding.needed and not finding.fine for finding in findings):
        raise typer.Exit(2)
