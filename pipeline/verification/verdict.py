"""The outcome of a verification: faults, counts, and the verdict that they add up to."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Fault:
    """A difference between the output and the source that should not be there.

    Attributes:
        kind: One of frame-lost, frame-doubled, frame-moved, picture (a frame unlike the source's), time, stream-lost,
            stream-moved, stream-changed, packet-lost, packet-changed, sync, language, title, disposition, chapter,
            attachment, metadata, colour, aspect, rotation, stereo, projection, captions, damage (of the source) or
            result-damaged.
        message: One line for users.
        count: Number of frames or packets.
        at: Position of the first of them in the source in seconds, None if it has none.
    """

    kind: str
    message: str
    count: int = 1
    at: float | None = None


@dataclass(frozen=True)
class Counts:
    """Numbers of frames.

    Attributes:
        source: Frames of the source, or of the part that was upscaled.
        result: Frames of the output.
        lost: Frames of the source that the output does not show.
        doubled: Frames of the output that repeat one of the source.
        moved: Frames of the output that are out of order.
        late: The largest deviation from the time at which a frame should be shown, early or late, in seconds.
    """

    source: int = 0
    result: int = 0
    lost: int = 0
    doubled: int = 0
    moved: int = 0
    late: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """The outcome of comparing an output with its source.

    Attributes:
        faults: Differences that should not be there.
        remarks: A line for each difference that is no fault.
        counts: Numbers of frames.
        quick: Only packets and timestamps were compared; no frame was decoded.
    """

    faults: tuple[Fault, ...]
    remarks: tuple[str, ...]
    counts: Counts
    quick: bool = False

    @property
    def complete(self) -> bool:
        """True if there are no faults."""
        return not self.faults

    @property
    def whole(self) -> bool:
        """Deprecated: renamed to `complete`."""
        message = "Verdict.whole is now complete; the old name will be removed in the next version"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return self.complete

    @property
    def only_damage(self) -> bool:
        """True if the only fault is damage of the source: the output has every frame that can be decoded."""
        return bool(self.faults) and all(fault.kind == "damage" for fault in self.faults)

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON types; the key "whole" is the former name of "complete"."""
        head = {"schema_version": SCHEMA_VERSION, "complete": self.complete, "whole": self.complete}
        faults = [dataclasses.asdict(fault) for fault in self.faults]
        return head | dataclasses.asdict(self) | {"faults": faults, "remarks": list(self.remarks)}


def count_phrase(count: int, noun: str) -> str:
    """Return a count with its noun and verb: "1 frame is", "3 frames are"."""
    return f"{count} {noun} is" if count == 1 else f"{count} {noun}s are"
