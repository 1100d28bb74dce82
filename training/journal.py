"""The log of a run: a JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAME = "log.jsonl"


class Journal:
    """Lines of a log, in memory and in a file. A checkpoint contains them, so that the file follows from it.

    Attributes:
        lines: All lines.
    """

    def __init__(self, folder: Path, lines: list[dict[str, Any]]) -> None:
        """Write the file again with the lines of a checkpoint, or with none."""
        self.lines = list(lines)
        self._path = folder / NAME
        self._path.write_text("".join(map(_as_text, self.lines)))

    def write(self, event: str, **values: Any) -> None:
        """Append a line, and print it."""
        line = {"event": event, **values}
        self.lines.append(line)
        with self._path.open("a") as file:
            file.write(_as_text(line))
        print(event + "".join(f"  {name} {_shown(value)}" for name, value in values.items()), flush=True)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log."""
    return [json.loads(line) for line in (folder / NAME).read_text().splitlines()]


def _as_text(line: dict[str, Any]) -> str:
    return json.dumps(line) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items())
    return f"{value:.5g}" if isinstance(value, float) else str(value)
