"""Every parser of foreign bytes accepts a fixed set of damaged inputs; `make fuzz` tries more."""

from random import Random

import pytest

from tests.fuzz.mutation import mutated
from tests.fuzz.targets import TARGETS

ROUNDS = 150


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs_raise_only_what_callers_expect(name: str) -> None:
    target, random = TARGETS[name], Random(18)
    for seed in target.seeds:
        target.parse(seed)
        for _ in range(ROUNDS):
            target.parse(mutated(seed, random))
    target.parse(b"")


def test_mutation_changes_what_it_is_given_and_is_reproducible() -> None:
    data = bytes(range(100))
    results = [mutated(data, Random(number)) for number in range(50)]
    assert results == [mutated(data, Random(number)) for number in range(50)]
    assert len(set(results)) > 40
