"""A session as two pipeline stages: one thread submits frames, the next one collects them.

Items that are neither frames nor pending frames pass through both stages unchanged and in order.

Repeated frames can be upscaled once. The slot of such an output stays in use until the last of its repetitions was
released, and Collect itself uses it until the next frame that differs comes. So one slot at most is used for longer
than without repeated frames, however many there are; and at least one of two is left for the next frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pipeline.flow.stage import Stage
from pipeline.frame import Frame
from pipeline.superres.repeats import RepeatDetector, SharedFrame
from pipeline.superres.session import Session

Passed = TypeVar("Passed")  # items that the session does not handle


@dataclass(frozen=True)
class Pending:
    """A submitted frame.

    Attributes:
        ticket: Ticket of the session that works on the frame; only that session knows its type.
        may_repeat: RepeatedFrames may follow, which use its output.
        captions: Captions of the frame.
    """

    ticket: Any
    may_repeat: bool = False
    captions: bytes = b""


@dataclass(frozen=True)
class RepeatedFrame:
    """A frame that equals the one before and was not submitted.

    Attributes:
        pts: Presentation time of the frame.
        duration: Duration of the frame.
        captions: Captions of the frame.
    """

    pts: int
    duration: int
    captions: bytes = b""


class Submit(Stage[Frame | Passed, Pending | RepeatedFrame | Passed], Generic[Passed]):
    """Submits frames. After `stop`, further frames are released and counted instead.

    Args:
        session: The session.
        repeats: Finds repeated frames, which are upscaled once: the frames that Collect yields for them share their
            memory, so no stage may write to it. None: every frame is upscaled. Frames in GPU memory always are: to
            compare them, the thread would have to wait for the GPU.

    Attributes:
        frames: Number of frames submitted, repeated ones included.
        left_out: Number of frames that arrived after `stop`.
    """

    def __init__(self, session: Session[Any], repeats: RepeatDetector | None = None) -> None:
        self._session = session
        self._repeats = repeats
        self._stopped = False
        self.frames = self.left_out = 0

    def feed(self, item: Frame | Passed) -> Iterator[Pending | RepeatedFrame | Passed]:
        if not isinstance(item, Frame):
            yield item
        elif self._stopped:
            self.left_out += 1
            item.release()
        else:
            self.frames += 1
            yield self._submit(item)

    def stop(self) -> None:
        self._stopped = True

    def abort(self) -> None:
        self._session.abort()

    def close(self) -> None:
        if self._repeats:
            self._repeats.forget()

    def _submit(self, frame: Frame) -> Pending | RepeatedFrame:
        repeats = self._repeats
        if repeats is None or frame.device_planes:
            if repeats:
                repeats.forget()
            return Pending(self._session.submit(frame), captions=frame.captions)
        is_repeat = repeats.is_repeat(frame)
        kept = repeats.keep(frame)
        if is_repeat:
            kept.release()
            return RepeatedFrame(frame.pts, frame.duration, frame.captions)
        return Pending(self._session.submit(kept), True, frame.captions)


class Collect(Stage[Pending | RepeatedFrame | Passed, Frame | Passed], Generic[Passed]):
    """Waits for submitted frames and yields the upscaled ones; for each RepeatedFrame, the last one again."""

    def __init__(self, session: Session[Any]) -> None:
        self._session = session
        self._last: SharedFrame | None = None  # the last upscaled frame, if it may be repeated

    def feed(self, item: Pending | RepeatedFrame | Passed) -> Iterator[Frame | Passed]:
        if isinstance(item, Pending):
            self.close()  # before waiting: its slot may be the only one that is free
            yield self._collect(item)
        elif isinstance(item, RepeatedFrame):
            assert self._last is not None
            yield replace(self._last.share(item.pts, item.duration), captions=item.captions)
        else:
            yield item

    def finish(self) -> Iterator[Frame | Passed]:
        self.close()
        return iter(())

    def close(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            last.release()

    def _collect(self, pending: Pending) -> Frame:
        frame = self._session.collect(pending.ticket)
        if pending.may_repeat:
            self._last = SharedFrame(frame)
            frame = self._last.share(frame.pts, frame.duration)
        frame.captions = pending.captions
        return frame
