"""Choices between implementations of a network: how they are cached and described, on a GPU and on the CPU."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pipeline.system.cache import write_cached

Choice = TypeVar("Choice")


def read_choice(path: Path, kind: type[Choice]) -> Choice | None:
    """Read a choice, of the dataclass `kind`; None if the file is missing or damaged."""
    try:
        return kind(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_choice(path: Path, choice: Any) -> None:
    """Cache a choice, an instance of a dataclass, as JSON."""
    write_cached(path, json.dumps(asdict(choice), indent=1).encode())


def describe_rates(rates: dict[str, float]) -> str:
    """Describe measured rates in one line, such as "A at 300 frames/s, 3.0 times as fast as B at 100".

    Args:
        rates: Frames/s by the title of the implementation, of two or more.
    """
    (fastest, best), *others = sorted(rates.items(), key=lambda item: item[1], reverse=True)
    slower = " and ".join(f"{best / rate:.1f} times as fast as {title} at {_number(rate)}" for title, rate in others)
    return f"{fastest} at {_number(best)} frames/s, {slower}"


def _number(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"
