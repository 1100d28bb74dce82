"""Checks that a report of `coverage json` shows enough lines and branches: `python -m tests.coverage_floor FILE`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

LINES = 93.0
"""Minimum percentage of lines that the tests run."""
BRANCHES = 85.0
"""Minimum percentage of branches that they take."""


def shortfall(totals: dict[str, int]) -> list[str]:
    """Returns a sentence for each of the two figures that is too low."""
    lines = 100 * totals["covered_lines"] / max(1, totals["num_statements"])
    branches = 100 * totals["covered_branches"] / max(1, totals["num_branches"])
    print(f"{lines:.1f} % of lines, {branches:.1f} % of branches")
    figures = (("lines", lines, LINES), ("branches", branches, BRANCHES))
    return [
        f"only {found:.1f} % of {name}; {floor:g} % are required" for name, found, floor in figures if found < floor
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("report", type=Path, help="the file that `coverage json` wrote")
    totals = json.loads(options.parse_args().report.read_text())["totals"]
    if short := shortfall(totals):
        sys.exit("; ".join(short))


if __name__ == "__main__":
    main()
