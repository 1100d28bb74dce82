"""The cached choices between runtimes."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.models import catalogue
from pipeline.superres.cpu.choice_cache import (
    RuntimeChoice,
    RuntimeRecord,
    cached_runtime_choices,
    describe_runtime_choice,
    machine_facts,
    remove_runtime_choices,
)
from pipeline.system import host
from pipeline.system.cache import cache_folder
from tests.superres.cpu.fake_runtimes import FakeRuntimes

pytestmark = pytest.mark.usefixtures("fakes")


def stored(**changes: object) -> RuntimeChoice:
    """A choice for this machine, but for the changes, written to the cache."""
    facts = machine_facts(0)
    record = RuntimeRecord(catalogue.find("identity", np.float32), (48, 64), facts)
    choice = RuntimeChoice(
        "identity", "64x48", facts.processor, facts.threads, facts.versions, "onnxruntime", {"ONNX Runtime 1": 2.0}
    )
    choice = replace(choice, **changes)  # type: ignore[arg-type]  # each test knows the fields
    assert record.read() is None
    record.write(choice)
    assert record.read() == choice
    return choice


def test_no_number_of_threads_means_one_per_core() -> None:
    assert machine_facts(0).threads == host.cores()
    assert machine_facts(3).threads == 3
    assert next(iter(machine_facts(0).versions)) == "onnxruntime"


def test_choices_are_listed_and_those_of_this_machine_are_kept() -> None:
    choice = stored()
    assert cached_runtime_choices() == [choice]
    assert remove_runtime_choices() == 0
    assert cached_runtime_choices() == [choice]
    assert remove_runtime_choices(everything=True) > 0
    assert cached_runtime_choices() == []


@pytest.mark.parametrize("changes", [{"processor": "another"}, {"versions": {"onnxruntime": "0.1"}}])
def test_choices_for_another_machine_are_removed(changes: dict[str, object]) -> None:
    stored(**changes)
    assert remove_runtime_choices() > 0
    assert cached_runtime_choices() == []


def test_damaged_choices_are_not_listed_and_are_removed() -> None:
    stored()
    next(cache_folder("runtimes").glob("*.json")).write_bytes(b"{}")
    assert cached_runtime_choices() == []
    assert remove_runtime_choices() == 2


def test_a_choice_is_described_with_rates_and_reasons(fakes: FakeRuntimes) -> None:
    choice = stored(rates={"A 1": 2.0, "B 2": 4.0}, failures={"C 3": "C can't load it: no"})
    expected = "B 2 at 4 frames/s, 2.0 times as fast as A 1 at 2; C 3 is not used: C can't load it: no"
    assert describe_runtime_choice(choice) == expected
    assert describe_runtime_choice(replace(choice, rates={"A 1": 2.0}, failures={})) == "A 1 is used"
