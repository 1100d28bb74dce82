"""Sets of degraded pairs that processes make."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.training.degradation.workers import workers
from tests.training.pictures import scene
from training.degradation.pair_plan import PairPlan, make_clip
from training.degradation.stored_arrays import StoredArrays
from training.degradation.video_pairs import VideoPairs, Workplace

PICTURES = [scene(1, (96, 140)), scene(2, (40, 40)), scene(3, (120, 100))]
PLAN = PairPlan(count=20, side=32, seed=7)


def test_pairs_are_those_of_the_plan_whatever_the_number_of_processes(tmp_path: Path) -> None:
    with VideoPairs(PICTURES, PLAN, Workplace(2, tmp_path)) as pairs:
        pairs.wait()
        assert pairs.ready == 20
    # The smallest picture has no room for a patch.
    for clip in range(PLAN.clips):
        low, high = make_clip([PICTURES[0], PICTURES[2]], PLAN, clip)
        slots = PLAN.slots(clip)
        assert np.array_equal(pairs.low[slots.start : slots.stop], low[: len(slots)])
        assert np.array_equal(pairs.high[slots.start : slots.stop], high[: len(slots)])
    assert list(tmp_path.iterdir()) == []


def test_first_pairs_can_be_used_while_others_are_made(tmp_path: Path) -> None:
    with VideoPairs(PICTURES, PairPlan(count=10**4, side=32, seed=7), Workplace(1, tmp_path)) as pairs:
        pairs.wait(3)
        assert pairs.ready >= 6
        assert pairs.low[:3].any(axis=(1, 2, 3)).all()
    assert not workers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_killed_process_is_replaced(tmp_path: Path) -> None:
    with VideoPairs(PICTURES, PairPlan(count=60, side=32, seed=7), Workplace(1, tmp_path)) as pairs:
        pairs.wait(6)
        (worker,) = workers(tmp_path)
        worker.kill()
        pairs.wait()
        assert pairs.ready == 60


def test_closing_ends_the_wait_with_an_error(tmp_path: Path) -> None:
    pairs = VideoPairs(PICTURES, PairPlan(count=10**4, side=32, seed=7), Workplace(1, tmp_path))
    pairs.close()
    pairs.close()
    with pytest.raises(RuntimeError, match="closed before they were complete"):
        pairs.wait()


def test_failure_of_the_processes_is_raised_where_pairs_are_awaited(tmp_path: Path) -> None:
    workplace = Workplace(1, tmp_path, command=(sys.executable, "-c", "raise SystemExit('no codec')"))
    with VideoPairs(PICTURES, PLAN, workplace) as pairs:
        with pytest.raises(RuntimeError, match=r"no more pairs can be made: clip 0 failed 3 times.*no codec"):
            pairs.wait()
        with pytest.raises(RuntimeError, match="no codec"):
            _ = pairs.ready


def test_pictures_that_are_all_too_small_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no picture has sides of 128 pixels"):
        VideoPairs([scene(1, (100, 100))], PairPlan(count=6, side=64, seed=1), Workplace(1, tmp_path))


def test_worker_ends_with_its_input(tmp_path: Path) -> None:
    StoredArrays.create(tmp_path, PLAN, [PICTURES[0]])
    command = [sys.executable, "-m", "training.degradation.worker", str(tmp_path)]
    root = Path(__file__).parents[3]
    ended = subprocess.run(command, input=b"1\n", capture_output=True, timeout=50, check=False, cwd=root)
    assert (ended.returncode, ended.stdout) == (0, b"1\n"), ended.stderr


def test_stored_pictures_are_read_as_they_were_written(tmp_path: Path) -> None:
    StoredArrays.create(tmp_path, PLAN, PICTURES)
    assert all(map(np.array_equal, StoredArrays.open(tmp_path).pictures(), PICTURES))
    assert StoredArrays.open(tmp_path).plan == PLAN
