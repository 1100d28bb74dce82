"""The files that `uprez bench` writes, and the frame sizes that it measures."""

from __future__ import annotations

from pathlib import Path

from pipeline.cli.options import frame_size
from pipeline.errors import OutputError, SettingsError


def even_size(text: str) -> tuple[int, int]:
    """The value of --size, (width, height) in pixels. Raises SettingsError unless both are even, 16 to 8192."""
    width, height = frame_size("--size", text, 16, 8192)
    if width % 2 or height % 2:
        raise SettingsError(f"--size {text}: WIDTHxHEIGHT, both even, such as 1920x1080")
    return width, height


def check_folders(files: dict[str, Path | None]) -> None:
    """Raise OutputError for a file, by its option, whose folder doesn't exist, before anything is measured."""
    for option, path in files.items():
        if path and not path.parent.is_dir():
            raise OutputError(f"{option} {path}: the folder {path.parent} does not exist; create it first")


def write_report(option: str, path: Path, text: str) -> None:
    """Write the file that `option` names. Raises OutputError."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{option} {path}: {error.strerror}") from error
