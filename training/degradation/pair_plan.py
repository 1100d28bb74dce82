"""Which pairs are made: the clips of a set, and the patches cut from each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.degradation.degrade import SCALE, degraded_pair
from training.degradation.recipe import random_degradation
from training.images import halve
from training.texture import texture

_CLIP = (192, 320)
"""Height and width of a small clip, at most."""


@dataclass(frozen=True)
class PairPlan:
    """A set of pairs, which follows from these numbers and the pictures.

    Attributes:
        count: Pairs.
        side: Side of a small patch, even, 192 at most; that of the large one is twice as long.
        seed: Seed of the set.
        patches: Pairs from one clip.
    """

    count: int
    side: int
    seed: int
    patches: int = 6

    def __post_init__(self) -> None:
        if self.side % 2 or not 16 <= self.side <= _CLIP[0]:
            raise ValueError(f"side is {self.side}; should be even and 16 to {_CLIP[0]}")

    @property
    def clips(self) -> int:
        """Number of clips; the last one may have patches that are not used."""
        return -(-self.count // self.patches)

    def slots(self, clip: int) -> range:
        """Indices of the pairs from a clip."""
        return range(clip * self.patches, min(self.count, (clip + 1) * self.patches))


def make_clip(
    pictures: Sequence[NDArray[np.uint8]], plan: PairPlan, clip: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The patches of one clip: (N, 3, side, side) and (N, 3, 2 side, 2 side) uint8, N = `plan.patches`.

    They depend on the pictures, the plan's side and seed, and the clip's number alone.

    Args:
        pictures: R'G'B', (H, W, 3) uint8, with sides of 2 `plan.side` at least.
        plan: The set.
        clip: Number of the clip.
    """
    generator = np.random.default_rng([plan.seed, clip])
    areas = np.sqrt([picture.shape[0] * picture.shape[1] for picture in pictures])
    picture = _resized(generator, pictures[generator.choice(len(pictures), p=areas / areas.sum())], SCALE * plan.side)
    # Even small sides, since 4:2:0 halves them.
    size = (min(_CLIP[0], picture.shape[0] // 4 * 2), min(_CLIP[1], picture.shape[1] // 4 * 2))
    corner = _corner(generator, picture, (SCALE * size[0], SCALE * size[1]))
    small, large = degraded_pair(picture, corner, size, random_degradation(generator), generator)
    lows = np.empty((plan.patches, 3, plan.side, plan.side), np.uint8)
    highs = np.empty((plan.patches, 3, SCALE * plan.side, SCALE * plan.side), np.uint8)
    for index, (y, x) in enumerate(_places(generator, size, plan)):
        lows[index] = small[:, y : y + plan.side, x : x + plan.side]
        highs[index] = large[:, 2 * y : 2 * (y + plan.side), 2 * x : 2 * (x + plan.side)]
    return lows, highs


def _resized(generator: Generator, picture: NDArray[np.uint8], smallest: int) -> NDArray[np.uint8]:
    """A picture, or in one of three cases its half if its sides are long enough, which has denser detail."""
    half = generator.uniform() < 0.35
    return halve(picture) if half and min(picture.shape[:2]) // 2 >= smallest else picture


def _corner(generator: Generator, picture: NDArray[np.uint8], size: tuple[int, int]) -> tuple[int, int]:
    """A random place for a frame; often the more textured of two."""
    rows, columns = (length - side for length, side in zip(picture.shape[:2], size, strict=True))
    first, second = ((int(y), int(x)) for y, x in generator.integers(0, (rows + 1, columns + 1), (2, 2)))
    if generator.uniform() < 0.5:
        return first
    return max(
        (first, second), key=lambda place: texture(picture[place[0] :, place[1] :][: size[0] : 2, : size[1] : 2])
    )


def _places(generator: Generator, size: tuple[int, int], plan: PairPlan) -> list[tuple[int, int]]:
    """Corners (y, x) of the patches in a small frame, spread evenly over it, each moved at random."""
    rows, columns = (side - plan.side for side in size)
    across = max(1, round(plan.patches * size[1] / (size[0] + size[1])))
    down = -(-plan.patches // across)
    cells = [(row, column) for row in range(down) for column in range(across)][: plan.patches]
    shares = (np.array(cells) + generator.uniform(size=(plan.patches, 2))) / (down, across)
    return [(int(y * (rows + 1)), int(x * (columns + 1))) for y, x in shares]
