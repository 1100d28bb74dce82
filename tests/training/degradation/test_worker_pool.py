"""Processes that make clips are replaced where they fail."""

import sys
from pathlib import Path

import pytest

from tests.training.degradation.workers import workers
from training.degradation.worker_pool import WorkerPool

# Programs that answer each number with itself; `{}` is executed before each answer.
PROGRAM = """
import os, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
def first_time(name):
    try:
        (folder / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
for line in sys.stdin:
    clip = int(line)
    {}
    print(clip, flush=True)
"""


def pool(folder: Path, behaviour: str, clips: int = 8, patience: float = 50.0) -> WorkerPool:
    return WorkerPool(folder, clips, 2, patience, (sys.executable, "-c", PROGRAM.format(behaviour)))


def made(pool: WorkerPool) -> list[int]:
    """The clips that a pool makes, sorted."""
    clips: list[int] = []
    pool.run(clips.append, lambda: False)
    assert not workers(pool.folder)
    return sorted(clips)


def test_each_clip_is_made_once(tmp_path: Path) -> None:
    assert made(pool(tmp_path, "pass")) == list(range(8))


def test_clip_of_a_process_that_is_killed_is_made_again(tmp_path: Path) -> None:
    behaviour = "if clip == 3 and first_time('killed'): os.kill(os.getpid(), 9)"
    assert made(pool(tmp_path, behaviour)) == list(range(8))


def test_clip_of_a_process_that_hangs_is_made_again(tmp_path: Path) -> None:
    behaviour = "if clip == 3 and first_time('hung'): time.sleep(1000)"
    assert made(pool(tmp_path, behaviour, patience=3)) == list(range(8))


def test_clip_that_fails_three_times_ends_the_set_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(
        RuntimeError, match="clip 3 failed 3 times: its process ended with 1: ValueError: no such codec"
    ):
        made(pool(tmp_path, "if clip == 3: raise ValueError('no such codec')"))
    assert not workers(tmp_path)


def test_clip_that_hangs_three_times_ends_the_set(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"clip 0 failed 3 times: no answer in 0\.5 s"):
        made(pool(tmp_path, "if clip == 0: time.sleep(1000)", clips=1, patience=0.5))


def test_pool_stops_where_requested_and_leaves_no_process(tmp_path: Path) -> None:
    clips: list[int] = []
    pool(tmp_path, "time.sleep(0.01)", clips=10**6).run(clips.append, lambda: len(clips) > 3)
    assert 3 < len(clips) < 1000
    assert not workers(tmp_path)


def test_error_of_the_callback_ends_all_processes(tmp_path: Path) -> None:
    def refuse(clip: int) -> None:
        raise KeyError(clip)

    with pytest.raises(KeyError):
        pool(tmp_path, "pass").run(refuse, lambda: False)
    assert not workers(tmp_path)
