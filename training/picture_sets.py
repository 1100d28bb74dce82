"""Folders of pictures with the licence and the origin of each, as `pictures.toml` describes them."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.images import list_images

DESCRIPTIONS = Path(__file__).with_name("pictures.toml")


@dataclass(frozen=True)
class SourcePicture:
    """A picture file that may be used for training.

    Attributes:
        path: The file.
        shrink: Factor by which both sides are to be divided.
        licence: Licence of the picture.
        source: Its author, if known, and origin.
    """

    path: Path
    shrink: float
    licence: str
    source: str


def source_pictures(folder: Path, descriptions: Path = DESCRIPTIONS) -> list[SourcePicture]:
    """The pictures of a folder, which is described in `descriptions` under its name, sorted by name.

    Raises:
        ValueError: If the folder is not described, or the licence of a picture is not known.
    """
    sets = tomllib.loads(descriptions.read_text())
    name = folder.resolve().name
    if name not in sets:
        raise ValueError(f"{folder}: {descriptions.name} describes {', '.join(sets)}, not {name}; add it there")
    described = sets[name]
    table = _table(folder / described["table"]) if "table" in described else {}
    pictures = []
    for path in list_images(folder):
        row = table.get(path.name) or {key: str(described[key]) for key in ("licence", "source") if key in described}
        if not row.get("licence"):
            raise ValueError(
                f"{path} has no licence in {described.get('table', descriptions.name)}; add it, or move it"
            )
        source = ", ".join(part for part in (row.get("author", ""), row.get("source", "")) if part)
        pictures.append(SourcePicture(path, _shrink(path.name, described), row["licence"], source))
    return pictures


def _shrink(name: str, described: dict[str, Any]) -> float:
    """The factor of the last pattern that matches a file's name, else that of its folder."""
    factors = [factor for pattern, factor in described.get("patterns", {}).items() if fnmatch.fnmatch(name, pattern)]
    return float([described["shrink"], *factors][-1])


def _table(path: Path) -> dict[str, dict[str, str]]:
    """Rows of the Markdown tables of a file, by their column `file`; each row by column."""
    rows: dict[str, dict[str, str]] = {}
    columns: list[str] = []
    for line in path.read_text().splitlines():
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0] == "file":
            columns = cells
        elif len(cells) == len(columns) and not re.fullmatch(r":?-+:?", cells[0]):
            rows[cells[0]] = dict(zip(columns, cells, strict=True))
    return rows
