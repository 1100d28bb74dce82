"""`uprez doctor`: what this machine can do."""

from __future__ import annotations

import typer
from rich.markup import escape

from pipeline.cli.console import out
from pipeline.cli.exit_codes import EXIT_BAD
from pipeline.cli.option_names import with_options
from pipeline.diagnostics.doctor import examine


def doctor() -> None:
    """Show what this machine can do, and how to install what is missing."""
    findings = examine()
    for finding in findings:
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]" if finding.required else "[yellow]-[/]"
        fix = f"\n    {finding.fix}" if finding.fix and not finding.ok else ""
        out.print(f"{mark} [bold]{finding.name}[/]: {escape(with_options(finding.detail + fix))}")
    if any(finding.required and not finding.ok for finding in findings):
        raise typer.Exit(EXIT_BAD)
