"""Lists the authors, origins and licences of a pack's pictures, as licences with attribution ask for.

python -m training.credits DIR/manifest.json > training/CREDITS.md
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

from training.pack import PackEntry


def credits(manifest: str) -> str:
    """The pictures of a manifest as Markdown, by licence; drawings by program are counted.

    Args:
        manifest: The text of manifest.json.
    """
    document = json.loads(manifest)
    entries = [PackEntry(**entry) for entry in document["pictures"]]
    photographs = defaultdict[str, list[PackEntry]](list)
    for entry in entries:
        if entry.kind == "photo":
            photographs[entry.licence].append(entry)
    lines = [
        "# Pictures in the training pack",
        "",
        f"Pack {document['hash']}.",
        "",
        "Networks are trained on copies that were shrunk, some of them also cropped, and recompressed. The pictures",
        "themselves are not part of this project.",
    ]
    for licence, listed in sorted(photographs.items()):
        lines += ["", f"## {licence}", ""]
        lines += [f"- {entry.name}: {entry.source}" for entry in sorted(listed, key=lambda entry: entry.name)]
    drawn = sum(entry.kind == "drawn" for entry in entries)
    lines += ["", "## Drawn by program", "", f"By `training/drawings`: {drawn}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="List authors, origins and licences of a pack's pictures.")
    parser.add_argument("manifest", type=Path, help="manifest.json of the pack")
    print(credits(parser.parse_args().manifest.read_text()), end="")


if __name__ == "__main__":
    main()
