"""The faults of a source that reading and decoding reveal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError


@dataclass
class Damage:
    """Counts of a source's faults, added to by the code that finds them.

    Attributes:
        path: The source, for error messages.
        strict: Raise InputError at the first fault.
        truncation: How much of the file is missing at its end, in words; "" if nothing is.
        lost_frames: Frames that could not be decoded, or have no packet.
        damaged_frames: Frames with visible damage; frames that only refer to them are not counted.
        damaged_packets: Damaged packets of streams that are copied.
        read_errors: Places where the file itself could not be read.
        unlisted_packets: Packets of streams that begin in mid-file, which can't be copied. They are no damage.
    """

    path: Path
    strict: bool = False
    truncation: str = ""
    lost_frames: int = 0
    damaged_frames: int = 0
    damaged_packets: int = 0
    read_errors: int = 0
    unlisted_packets: int = 0

    def add(self, **counts: int) -> None:
        """Add to the fields of those names.

        Raises:
            InputError: A count is above 0, and `strict` is set.
        """
        for name, count in counts.items():
            setattr(self, name, getattr(self, name) + count)
        if self.strict and any(counts.values()):
            faults = "; ".join(self.summary())
            raise InputError(f"{self.path}: is damaged ({faults}); without `strict` all that decodes is kept")

    @property
    def is_empty(self) -> bool:
        """True if no fault was found."""
        counts = self.lost_frames, self.damaged_frames, self.damaged_packets, self.read_errors
        return not self.truncation and not any(counts)

    def summary(self) -> Iterator[str]:
        """One line for each kind of fault, for users."""
        if self.truncation:
            yield f"the source is cut off: {self.truncation}"
        if count := self.lost_frames:
            yield f"{_counted(count, 'frame')} of the source can't be decoded or {_be(count)} missing"
        if count := self.damaged_frames:
            damaged = f"{_counted(count, 'frame')} of the source {_be(count)} damaged"
            yield f"{damaged}, and so are frames that refer to {'it' if count == 1 else 'them'}"
        if count := self.damaged_packets:
            yield f"{_counted(count, 'packet')} of other streams {_be(count)} damaged, or can't be copied"
        if count := self.read_errors:
            yield f"the source could not be read in {_counted(count, 'place')}"
        if count := self.unlisted_packets:
            yield f"{_counted(count, 'packet')} of streams that begin in mid-file {_be(count)} left out"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _be(count: int) -> str:
    return "is" if count == 1 else "are"
