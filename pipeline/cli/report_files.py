"""The files that `uprez bench` writes, and the frame sizes that it measures."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.cli.options import frame_size
from pipeline.diagnostics.comparison.output_file import write_output_file
from pipeline.errors import OutputError, SettingsError


def even_size(text: str) -> tuple[int, int]:
    """The value of --size, (width, height) in pixels. Raises SettingsError unless both are even, 16 to 8192."""
    width, height = frame_size("--size", text, 16, 8192)
    if width % 2 or height % 2:
        raise SettingsError(f"--size {text}: WIDTHxHEIGHT, both even, such as 1920x1080")
    return width, height


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
