"""The files that `uprez bench` writes."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.diagnostics.output_file import write_output_file
from pipeline.errors import OutputError


def check_reports(files: dict[str, Path | None], source: Path | None = None) -> None:
    """Raise OutputError for a file, by its option, that can't be written, before anything is measured.

    Args:
        files: Their folders have to exist. An earlier report is replaced.
        source: The video that is measured, which none of them may replace.
    """
    for option, path in files.items():
        if path and not os.path.isdir(path.parent):
            raise OutputError(f"{option} {path}: the folder {path.parent} does not exist; create it first")
        if path and source and os.path.realpath(path) == os.path.realpath(source):
            raise OutputError(f"{option} {path}: is the video that is measured; give the report another name")


def write_report(option: str, path: Path, text: str) -> None:
    """Write the file that `option` names: completely or not at all, unless it is a link, device or pipe.

    Raises:
        OutputError: It can't be written.
    """
    if not path.is_symlink() and (path.is_file() or not path.exists()):
        write_output_file(path, text.encode(), overwrite=True)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{option} {path}: {error.strerror}") from error
