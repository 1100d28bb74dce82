"""What the work of a thread looks like: a passive object that takes items and gives items."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)


class Stage(ABC, Generic[In, Out]):
    """Takes an item and gives none, one or many; at the end gives the rest. Used by one thread only."""

    @abstractmethod
    def feed(self, item: In) -> Iterable[Out]:
        """What follows from `item`. May be lazy: the next item is fed when this one is exhausted."""

    def finish(self) -> Iterable[Out]:
        """What is left when no more items come."""
        return ()

    def stop(self) -> None:
        """Begin nothing more; what was begun will be finished. Called from another thread."""

    def abort(self) -> None:
        """End whatever `feed` may be waiting for. Called from another thread; called at most once."""

    def close(self) -> None:
        """Let go of what was begun. Called last, by the thread that fed the stage, however that ended."""


class Chain(Stage[Any, Any]):
    """Several stages that share a thread: what one gives, the next is fed."""

    def __init__(self, *stages: Stage[Any, Any]) -> None:
        self._stages = stages

    def feed(self, item: Any) -> Iterator[Any]:
        return self._through(self._stages, (item,))

    def finish(self) -> Iterator[Any]:
        for index, stage in enumerate(self._stages):
            yield from self._through(self._stages[index + 1 :], stage.finish())

    def stop(self) -> None:
        for stage in self._stages:
            stage.stop()

    def abort(self) -> None:
        for stage in self._stages:
            stage.abort()

    def close(self) -> None:
        for stage in self._stages:
            stage.close()

    def _through(self, stages: tuple[Stage[Any, Any], ...], items: Iterable[Any]) -> Iterator[Any]:
        for stage in stages:
            items = self._feed_all(stage, items)
        yield from items

    @staticmethod
    def _feed_all(stage: Stage[Any, Any], items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            yield from stage.feed(item)
