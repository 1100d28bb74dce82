"""Repeats the last frame while a source is disconnected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.flow.stage import Stage
from pipeline.frame import Frame


@dataclass(frozen=True, slots=True)
class RepeatFrame:
    """A request to show the last frame again.

    Attributes:
        pts: When, in the time base of its stream.
        duration: For how long, in the same time base.
    """

    pts: int
    duration: int


class GapFiller(Stage[Frame | RepeatFrame, Frame]):
    """Keeps the last frame that passed, and yields it again for each RepeatFrame.

    A frame is released when the next one comes; a low-delay encoder has read it by then.
    """

    def __init__(self) -> None:
        self._last: Frame | None = None

    def feed(self, item: Frame | RepeatFrame) -> Iterator[Frame]:
        if isinstance(item, RepeatFrame):
            if self._last is not None:
                yield replace(self._last, pts=item.pts, duration=item.duration, release=_keep)
        else:
            before, self._last = self._last, item
            yield replace(item, release=_keep)
            if before is not None:
                before.release()

    def close(self) -> None:
        if self._last is not None:
            self._last.release()
            self._last = None


def _keep() -> None:
    """The `release` of a frame that may be shown again."""
