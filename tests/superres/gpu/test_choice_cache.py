from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.superres.gpu.choice_cache import (
    ChoiceRecord,
    NetworkChoice,
    cached_choices,
    describe_choice,
    remove_choices,
)
from pipeline.superres.gpu.fused.kernel import BlockGrid, KernelShape, LayerSegment
from pipeline.superres.gpu.fused.program import FusedProgram, ProgramStep
from pipeline.superres.gpu.tensorrt.engine_cache import EngineCache
from tests.superres.gpu.tensorrt.keys import KEY

CHOICE = NetworkChoice("m", "64x48", "A GPU", "fused", fused=300.0, tensorrt=100.0)


def program() -> FusedProgram:
    segment = LayerSegment(8, True, 0, True, 3, 2, "none", (False, False))
    arrays = np.ones(8, np.float16), np.zeros((2, 16), np.float32), np.ones((2, 16), np.float16)
    return FusedProgram((ProgramStep(segment, KernelShape(4, 1, 2, 1), BlockGrid(1, 48, 1), *arrays, None),))


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path)


@pytest.fixture
def record(cache: EngineCache) -> ChoiceRecord:
    resources: Any = SimpleNamespace(cache=cache, key=lambda shapes: KEY)
    return ChoiceRecord(resources, 48, 64)


def test_a_choice_and_its_program_are_read_again(record: ChoiceRecord) -> None:
    assert (record.choice(), record.program()) == (None, None)
    record.write_choice(CHOICE)
    record.write_program(program())
    assert record.choice() == CHOICE
    restored = record.program()
    assert restored is not None
    assert restored.dump() == program().dump()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"model": 1}', b"\xff"])
def test_damaged_files_count_as_missing(record: ChoiceRecord, cache: EngineCache, content: bytes) -> None:
    record.write_choice(CHOICE)
    record.write_program(program())
    for path in cache.folder.iterdir():
        path.write_bytes(content)
    assert (record.choice(), record.program()) == (None, None)
    assert cached_choices(cache) == []


def test_choices_of_other_gpus_are_removed(record: ChoiceRecord, cache: EngineCache) -> None:
    record.write_choice(CHOICE)
    record.write_program(program())
    assert remove_choices(cache, {"A GPU"}) == 0
    size = sum(path.stat().st_size for path in cache.folder.iterdir())
    assert remove_choices(cache, {"Another GPU"}) == size
    assert list(cache.folder.iterdir()) == []


def test_damaged_choices_are_removed(record: ChoiceRecord, cache: EngineCache) -> None:
    record.write_choice(CHOICE)
    next(cache.folder.iterdir()).write_bytes(b"{}")
    assert remove_choices(cache, {"A GPU"}) == 2


def test_programs_without_a_choice_are_removed_with_everything(record: ChoiceRecord, cache: EngineCache) -> None:
    record.write_program(program())
    assert remove_choices(cache, set()) == 0
    assert remove_choices(cache, set(), everything=True) > 0
    assert list(cache.folder.iterdir()) == []


def test_a_choice_is_described_with_both_rates() -> None:
    assert describe_choice(CHOICE) == "fused kernels at 300 frames/s, 3.0 times as fast as TensorRT at 100"


def test_a_choice_is_described_with_the_reason_where_one_network_does_not_run() -> None:
    without_fused = NetworkChoice("m", "64x48", "A GPU", "tensorrt", "it has an operator Clip", tensorrt=100.0)
    assert describe_choice(without_fused) == (
        "TensorRT is used; fused kernels can't compute the network: it has an operator Clip"
    )
    without_tensorrt = NetworkChoice("m", "64x48", "A GPU", "fused", "no kernel found", fused=300.0)
    expected = "fused kernels are used, 300 frames/s; TensorRT can't be used: no kernel found"
    assert describe_choice(without_tensorrt) == expected
