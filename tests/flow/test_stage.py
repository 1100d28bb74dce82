"""Stages that share a thread."""

from collections.abc import Iterator

from pipeline.flow.stage import Chain, Stage


class Twice(Stage[int, int]):
    def feed(self, item: int) -> Iterator[int]:
        yield item
        yield item


class KeepOne(Stage[int, int]):
    """Holds an item back until the next one comes."""

    def __init__(self) -> None:
        self._kept: list[int] = []
        self.aborted = False

    def feed(self, item: int) -> Iterator[int]:
        yield from self._kept
        self._kept = [item]

    def finish(self) -> Iterator[int]:
        yield from self._kept

    def abort(self) -> None:
        self.aborted = True


def test_what_one_gives_the_next_is_fed() -> None:
    chain = Chain(Twice(), Twice())
    assert list(chain.feed(1)) == [1, 1, 1, 1]


def test_what_is_left_at_the_end_goes_through_the_rest() -> None:
    chain = Chain(KeepOne(), Twice(), KeepOne())
    given = [out for item in (1, 2) for out in chain.feed(item)]
    assert given + list(chain.finish()) == [1, 1, 2, 2]


def test_an_abort_reaches_all() -> None:
    stages = [KeepOne(), KeepOne()]
    Chain(*stages).abort()
    assert all(stage.aborted for stage in stages)
