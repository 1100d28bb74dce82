"""What the benchmark scripts share: options of the command line, saved reports, errors in one line."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel
from rich.console import Console

from pipeline import OutputError, UprezError

MIB = 2**20

out = Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the option --save."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--save", type=Path, metavar="FILE", help="write the report, JSON, to this file")
    return made


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Add the option --backend."""
    choices = ("auto", "tensorrt", "onnx")
    parser.add_argument("--backend", choices=choices, default="auto", help="what upscales; auto: a GPU if usable")


def size(text: str) -> tuple[int, int]:
    """The value of an option such as 960x540."""
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match or not all(int(length) >= 16 and int(length) % 2 == 0 for length in match.groups()):
        raise argparse.ArgumentTypeError(f"{text}: WIDTHxHEIGHT, both even and at least 16, such as 1920x1080")
    return int(match[1]), int(match[2])


def save(report: BaseModel, path: Path | None) -> None:
    """Write a report as JSON, if `path` is given. Raises OutputError."""
    if path is None:
        return
    try:
        path.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"--save {path}: {error.strerror}") from error


def run(main: Callable[[], None]) -> None:
    """Run a script; an error of the project becomes one line and exit code 2.

    SIGTERM, which `timeout` sends, ends it like an exception, so that the processes that it started are ended too.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        main()
    except UprezError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(2)
