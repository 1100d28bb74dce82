"""What proofreading found: faults, each one line for people, and the verdict that they add up to."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Fault:
    """Something of the source that the result has not, or has otherwise.

    kind: a fixed word: frame-lost, frame-doubled, frame-moved, picture, time, stream-lost, stream-moved,
    stream-changed, packet-lost, packet-changed, sync, language, title, disposition, chapter, attachment, metadata,
    colour, aspect, rotation, damage (of the source) or result-damaged. message: one line. count: of frames or packets.
    at: seconds in the source.
    """

    kind: str
    message: str
    count: int = 1
    at: float | None = None


@dataclass(frozen=True)
class Counts:
    """Frames. late: by how many seconds the worst is shown too late or too early."""

    source: int = 0
    result: int = 0
    lost: int = 0
    doubled: int = 0
    moved: int = 0
    late: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """Whether a result is all of its source. quick: the pictures themselves were not looked at.

    remarks: what differs and is no fault, a line each.
    """

    faults: tuple[Fault, ...]
    remarks: tuple[str, ...]
    counts: Counts
    quick: bool = False

    @property
    def whole(self) -> bool:
        return not self.faults

    @property
    def only_damage(self) -> bool:
        """Whether nothing is wrong but that the source is damaged: all of it that can be read is there."""
        return bool(self.faults) and all(fault.kind == "damage" for fault in self.faults)

    def as_json(self) -> dict[str, Any]:
        """The verdict as JSON's own types."""
        told = {"schema_version": SCHEMA_VERSION, "whole": self.whole, **dataclasses.asdict(self)}
        return told | {"faults": [dataclasses.asdict(fault) for fault in self.faults], "remarks": list(self.remarks)}


def many(count: int, thing: str) -> str:
    """`1 frame is`, `3 frames are`."""
    return f"{count} {thing} is" if count == 1 else f"{count} {thing}s are"
