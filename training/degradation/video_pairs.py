"""Sets of degraded pairs, made by several processes while the program goes on.

A thread of `VideoPairs` sends the numbers of clips to processes; they write the pairs into files that both sides map,
and send the numbers back (`worker_pool.py`). `close` ends all. If this process is killed, the others read the end of
their input, and end as well.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.flow.closing import Closing
from training.degradation.pair_plan import PairPlan
from training.degradation.stored_arrays import StoredArrays
from training.degradation.worker_pool import WORKER, WorkerPool


@dataclass(frozen=True)
class Workplace:
    """Where and by how many processes pairs are made.

    Attributes:
        processes: Number of processes; one a core.
        folder: Where a temporary folder is made, which takes 15 side² bytes a pair, and the pictures; None: where the
            system has such folders.
        patience: Seconds after which a process that has not returned its clip is replaced.
        command: Program with arguments that makes clips, as `worker.py` does.
    """

    processes: int
    folder: Path | None = None
    patience: float = 120.0
    command: tuple[str, ...] = WORKER


class VideoPairs(Closing):
    """Pairs that are filled from the front, as fast as the processes make them. To be closed, or used in `with`.

    Attributes:
        low: Small patches, (N, 3, side, side) uint8; the first `ready` of them are valid.
        high: Large patches, (N, 3, 2 side, 2 side) uint8; likewise. Both can be read after `close`, too.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], plan: PairPlan, workplace: Workplace) -> None:
        """Write the pictures to a temporary folder and start the processes.

        Args:
            pictures: R'G'B', (H, W, 3) uint8; those with a side under twice `plan.side` are not used.
            plan: The set.
            workplace: Where it is made.

        Raises:
            ValueError: No picture is large enough.
        """
        usable = [picture for picture in pictures if min(picture.shape[:2]) >= 2 * plan.side]
        if not usable:
            raise ValueError(f"no picture has sides of {2 * plan.side} pixels or more; use smaller patches")
        self._plan = plan
        self._folder = Path(tempfile.mkdtemp(prefix="video-pairs-", dir=workplace.folder))
        self.low, self.high = StoredArrays.create(self._folder, plan, usable).pairs()
        self._changed = threading.Condition()
        self._done: set[int] = set()
        self._front = 0
        self._error: Exception | None = None
        self._is_closing = threading.Event()
        pool = WorkerPool(self._folder, plan.clips, workplace.processes, workplace.patience, workplace.command)
        self._thread = threading.Thread(target=self._run, args=(pool,), name="video-pairs")
        self._thread.start()

    @property
    def ready(self) -> int:
        """Number of pairs, from the first one on, that are valid.

        Raises:
            RuntimeError: The processes have failed.
        """
        with self._changed:
            self._check()
            return min(self._plan.count, self._front * self._plan.patches)

    def wait(self, count: int | None = None) -> None:
        """Wait until the first `count` pairs are valid, or all.

        Raises:
            RuntimeError: The processes have failed, or the set was closed.
        """
        clips = self._plan.clips if count is None else -(-count // self._plan.patches)
        with self._changed:
            self._changed.wait_for(lambda: self._front >= clips or self._error or self._is_closing.is_set())
            self._check()
            if self._front < clips:
                raise RuntimeError("the pairs were closed before they were complete")

    def close(self) -> None:
        """End the processes and delete the folder. May be called again."""
        self._is_closing.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, pool: WorkerPool) -> None:
        try:
            pool.run(self._store, self._is_closing.is_set)
        except Exception as error:  # raised again in the thread that waits
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _store(self, clip: int) -> None:
        with self._changed:
            self._done.add(clip)
            while self._front in self._done:
                self._done.remove(self._front)
                self._front += 1
            self._changed.notify_all()

    def _check(self) -> None:
        if self._error is not None:
            raise RuntimeError(f"no more pairs can be made: {self._error}") from self._error
