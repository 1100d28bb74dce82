"""A table of runs: `python -m training.compare DIR...` prints a row a run, from its checkpoint, for ablations."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from training.checkpoint import NAME, load_checkpoint
from training.recipe import Recipe


def main(arguments: list[str] | None = None) -> int:
    """Print the table in Markdown; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.compare", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of runs")
    options = parser.parse_args(arguments)
    try:
        rows = [row(folder) for folder in options.folders]
    except (ValueError, OSError) as error:
        print(f"training.compare: {error}", file=sys.stderr)
        return 2
    print(table(rows))
    return 0


def row(folder: Path) -> dict[str, str]:
    """The facts of a run: its changes of the weights' and pictures' choice, its steps, time and last scores."""
    checkpoint = load_checkpoint(folder / NAME)
    recipe = Recipe.model_validate_json(checkpoint.recipe)
    network = recipe.network
    facts = {
        "run": folder.name,
        "network": f"{network.kind} {network.features}x{network.layers}, {network.branches}",
        "data": checkpoint.origin.data[:8],
        "steps": f"{checkpoint.step} of {recipe.steps}",
        "seconds": f"{checkpoint.seconds:.0f}",
    }
    last: dict[str, Any] = next((e for e in reversed(checkpoint.log) if e["event"] == "validation"), {})
    scores = {kind: f"{score:.3f}" for kind, score in last.get("average", {}).items()}
    weights = {f"{kind}, last weights": f"{score:.3f}" for kind, score in last.get("weights", {}).items()}
    return facts | scores | weights


def table(rows: list[dict[str, str]]) -> str:
    """Rows as a table in Markdown, with every column that a row has."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns), *([row.get(name, "") for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
