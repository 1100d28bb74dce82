"""Source and output are aligned whatever their clocks are."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pipeline.verification.alignment import align
from pipeline.verification.readers import TimedSignature

FRAMES, LASTS = 24, 0.02


@dataclass
class FakeReader:
    """A video that slows down until frames are much alike; it shows the frames `shown`, `late` by some frames."""

    shown: Sequence[int]
    late: int = 0
    noise: float = 0.0
    is_timeless: bool = False

    def frames(self) -> Generator[TimedSignature, None, None]:
        random = np.random.default_rng(1)
        texture = random.normal(128, 40, (3, 27, 48)).astype(np.float32)
        drift = random.normal(0, 1, texture.shape).astype(np.float32)
        for place, index in enumerate(self.shown):
            moved = index + 3 * min(index, FRAMES // 2)
            grain = random.normal(0, 1, texture.shape).astype(np.float32) * self.noise
            yield TimedSignature((place + self.late) * LASTS, LASTS, texture + moved * drift + grain)


def shown(order: Sequence[int], late: int) -> tuple[int, ...]:
    films: list[Any] = [FakeReader(range(FRAMES)), FakeReader(order, late, noise=0.6)]
    return align(films[0], films[1]).shown


@pytest.mark.parametrize("late", [0, 2, 5])
def test_a_clock_late_by_complete_frames_is_followed_to_the_end(late: int) -> None:
    assert shown(range(FRAMES), late) == tuple(range(FRAMES))


@pytest.mark.parametrize("late", [0, 2, 5])
def test_a_repeated_last_frame_is_found_in_its_place(late: int) -> None:
    order = (*range(FRAMES), FRAMES - 1)
    assert shown(order, late) == order
