"""What is wrong with a source, as far as it shows while it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError


@dataclass
class Damage:
    """The faults of a source, counted by whoever meets them. strict: the first one is raised, as InputError.

    cut: how much of the file is missing at its end, "" if nothing. lost: frames of which there is no picture.
    damaged: frames whose picture is wrong, those aside that only refer to them. others: damaged packets of streams
    that are copied. unread: places where the file itself could not be read.
    """

    path: Path
    strict: bool = False
    cut: str = ""
    lost: int = 0
    damaged: int = 0
    others: int = 0
    unread: int = 0

    def add(self, **found: int) -> None:
        """Add to the counts of those names."""
        for name, count in found.items():
            setattr(self, name, getattr(self, name) + count)
        if self.strict and any(found.values()):
            raise InputError(f"{self.path}: is damaged ({'; '.join(self.lines())}); without --strict the rest is saved")

    @property
    def none(self) -> bool:
        """Whether the source is whole."""
        return not any((self.cut, self.lost, self.damaged, self.others, self.unread))

    def lines(self) -> Iterator[str]:
        """What to tell people, a line a kind."""
        if self.cut:
            yield f"the source is cut off: {self.cut}"
        if self.lost:
            yield f"{_counted(self.lost, 'frame')} of the source can't be decoded or {_are(self.lost)} missing"
        if self.damaged:
            damaged = f"{_counted(self.damaged, 'frame')} of the source {_are(self.damaged)} damaged"
            yield f"{damaged}, and those that refer to {'it' if self.damaged == 1 else 'them'}"
        if self.others:
            yield f"{_counted(self.others, 'packet')} of other streams {_are(self.others)} damaged, or can't be copied"
        if self.unread:
            yield f"the source could not be read in {_counted(self.unread, 'place')}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
