"""Source and result in step, whatever their clocks say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pipeline.verification.alignment import align
from pipeline.verification.readers import TimedSignature

FRAMES, LASTS = 24, 0.02


@dataclass
class Reel:
    """A film that slows down until a frame is much like the next: `shown` says which, `late` by how many frames."""

    shown: Sequence[int]
    late: int = 0
    noise: float = 0.0
    is_timeless: bool = False

    def frames(self) -> Iterator[TimedSignature]:
        random = np.random.default_rng(1)
        texture = random.normal(128, 40, (3, 27, 48)).astype(np.float32)
        drift = random.normal(0, 1, texture.shape).astype(np.float32)
        for place, index in enumerate(self.shown):
            moved = index + 3 * min(index, FRAMES // 2)
            grain = random.normal(0, 1, texture.shape).astype(np.float32) * self.noise
            yield TimedSignature((place + self.late) * LASTS, LASTS, texture + moved * drift + grain)


def shown(order: Sequence[int], late: int) -> tuple[int, ...]:
    films: list[Any] = [Reel(range(FRAMES)), Reel(order, late, noise=0.6)]
    return align(films[0], films[1]).shown


@pytest.mark.parametrize("late", [0, 2, 5])
def test_a_clock_that_is_late_by_whole_frames_is_followed_to_the_end(late: int) -> None:
    assert shown(range(FRAMES), late) == tuple(range(FRAMES))


@pytest.mark.parametrize("late", [0, 2, 5])
def test_a_last_frame_shown_twice_is_told_where_it_is(late: int) -> None:
    order = (*range(FRAMES), FRAMES - 1)
    assert shown(order, late) == order
