"""The interface of a pipeline stage, and a chain of stages that share one thread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any, Generic, TypeVar, overload

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


class Stage(ABC, Generic[In, Out]):
    """A passive object that takes items of type In and yields items of type Out. Used by one thread.

    A stage that handles some items and passes others along unchanged states both:
    `class Rotate(Stage[Frame | Pause, Frame | Pause])`.
    """

    @abstractmethod
    def feed(self, item: In) -> Iterator[Out]:
        """Take `item` and yield what follows from it: nothing, one item or several.

        The iterator may be lazy: the caller exhausts it before it feeds the next item.
        """

    def finish(self) -> Iterator[Out]:
        """Yield what is left after the last item."""
        return iter(())

    def stop(self) -> None:
        """Start nothing more; work in progress will be finished. Called from another thread."""

    def abort(self) -> None:
        """Wake `feed` from whatever it waits for. Called from another thread, at most once."""

    def close(self) -> None:
        """Release all resources. Called last, by the thread that fed the stage, also after an error."""


class Chain(Stage[In, Out]):
    """Several stages in one thread: each is fed with what the one before yields.

    Up to four stages are checked to fit together. A list of stages, `Chain(*stages)`, is not: give its types, as in
    `Chain[Packet, Frame](*stages)`.
    """

    @overload
    def __init__(self: Chain[A, B], first: Stage[A, B], /) -> None: ...
    @overload
    def __init__(self: Chain[A, C], first: Stage[A, B], second: Stage[B, C], /) -> None: ...
    @overload
    def __init__(self: Chain[A, D], first: Stage[A, B], second: Stage[B, C], third: Stage[C, D], /) -> None: ...
    @overload
    def __init__(
        self: Chain[A, E], first: Stage[A, B], second: Stage[B, C], third: Stage[C, D], fourth: Stage[D, E], /
    ) -> None: ...
    @overload
    def __init__(self, *stages: Stage[Any, Any]) -> None: ...
    def __init__(self, *stages: Stage[Any, Any]) -> None:
        self._stages = stages

    def feed(self, item: In) -> Iterator[Out]:
        return self._through(self._stages, (item,))

    def finish(self) -> Iterator[Out]:
        for index, stage in enumerate(self._stages):
            yield from self._through(self._stages[index + 1 :], stage.finish())

    def stop(self) -> None:
        for stage in self._stages:
            stage.stop()

    def abort(self) -> None:
        for stage in self._stages:
            stage.abort()

    def close(self) -> None:
        with ExitStack() as stack:  # an error in one does not keep the others from being closed
            for stage in reversed(self._stages):
                stack.callback(stage.close)

    @staticmethod
    def _through(stages: tuple[Stage[Any, Any], ...], items: Iterable[Any]) -> Iterator[Any]:
        for stage in stages:
            items = _feed_all(stage, items)
        yield from items


def _feed_all(stage: Stage[A, B], items: Iterable[A]) -> Iterator[B]:
    for item in items:
        yield from stage.feed(item)
