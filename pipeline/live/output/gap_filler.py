"""What is shown while a source is away: its last picture, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline.flow.stage import Stage
from pipeline.frame import Frame


@dataclass(frozen=True, slots=True)
class RepeatFrame:
    """Show the last picture again, at `pts` for `duration`, in the ticks of its stream."""

    pts: int
    duration: int


class GapFiller(Stage[Any, Any]):
    """Keeps the last frame that passed, and gives it again for each Again.

    A frame is let go of when the next one comes. Encoders that are told to hold nothing back have read it by then.
    """

    def __init__(self) -> None:
        self._kept: Frame | None = None

    def feed(self, item: Any) -> Iterator[Any]:
        if isinstance(item, RepeatFrame):
            if self._kept is not None:
                yield replace(self._kept, pts=item.pts, duration=item.duration, release=_keep)
        elif isinstance(item, Frame):
            before, self._kept = self._kept, item
            yield replace(item, release=_keep)
            if before is not None:
                before.release()
        else:
            yield item

    def close(self) -> None:
        if self._kept is not None:
            self._kept.release()
            self._kept = None


def _keep() -> None:
    """What is done when an encoder has read a frame that may be wanted again."""
