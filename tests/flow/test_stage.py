"""A chain of stages that share a thread."""

from collections.abc import Iterator

import pytest

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


def test_a_chain_feeds_each_stage_with_what_the_one_before_yields() -> None:
    chain = Chain(Twice(), Twice())
    assert list(chain.feed(1)) == [1, 1, 1, 1]


def test_finish_passes_what_is_left_through_the_remaining_stages() -> None:
    chain = Chain(KeepOne(), Twice(), KeepOne())
    results = [out for item in (1, 2) for out in chain.feed(item)]
    assert results + list(chain.finish()) == [1, 1, 2, 2]


def test_abort_reaches_all_stages_of_a_chain() -> None:
    stages = [KeepOne(), KeepOne()]
    Chain(*stages).abort()
    assert all(stage.aborted for stage in stages)


def test_close_closes_all_stages_of_a_chain_also_after_an_error() -> None:
    closed: list[str] = []

    class Closes(Twice):
        def __init__(self, name: str) -> None:
            self._name = name

        def close(self) -> None:
            closed.append(self._name)
            if self._name == "first":
                raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        Chain(Closes("first"), Closes("second")).close()
    assert closed == ["first", "second"]
