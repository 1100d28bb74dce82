"""Which source frame does each result frame show? Arithmetic on signatures; knows nothing of files.

Time says which frame to expect, pictures say whether it is another one. The most likely sequence is searched for
(A. Viterbi, "Error bounds for convolutional codes", 1967): a result frame that goes on from the one before it, in time
or in order, costs nothing, a jump costs `_JUMP`, and a source frame costs as much as it is less alike than the best
within reach. So a single doubtful picture does not outweigh the clock, while many that agree do, and where pictures
stand still the clock decides. Encoders smooth slow scenes in time and err in the same way from frame to frame: small
advantages count for nothing, and what the last frames had in common is taken off before pictures are compared.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Signatures = NDArray[np.float32]  # (frames, ...): what is compared of each frame, of any shape

REACH = 48  # source frames to either side of the likely one that are looked at
_FARTHEST = 2000  # source frames that may be held at once
_LAG = 256  # result frames that are decided together
# Costs are in octaves of the root mean square difference; measured on real clips, x264 at crf 17 and 38: the right
# frame was up to 1.3 octaves less like than a neighbour, once in 900 frames.
_JUMP, _MARGIN, _MOST = 0.6, 1.0, 4.0
_TIE = 1e-4
UNLIKE = 144.0  # mean square difference, of 255: real clips at crf 38 reach 115, in cells of few pixels
_NOISE = 0.05  # mean square difference, of 255: below it nothing is told apart
_BIAS_FRAMES = 4


class FrameAligner:
    """Follows a result through its source. For each result frame, in order: `within`, then `step`; then `finish`.

    shown: the index of the source frame that each result frame shows, as far as decided. unlike: the mean square
    difference between the two.
    """

    def __init__(self) -> None:
        self.shown: list[int] = []
        self.unlike: list[float] = []
        self._costs: NDArray[np.float64] | None = None
        self._first = self._expected = 0
        self._bias: NDArray[np.float32] | float = 0.0
        self._undecided: list[tuple[int, NDArray[np.intp], NDArray[np.float64]]] = []

    def within(self, expected: int) -> tuple[int, int]:
        """From which source frame, to before which, the next one is looked for, where time says `expected`."""
        if self._costs is None:
            return max(0, expected - REACH), expected + REACH + 1
        best = self._first + int(self._costs.argmin())
        likely = (best + 1, best + expected - self._expected)
        low = min(likely) if max(likely) - min(likely) < _FARTHEST else likely[1]
        return max(self._first, low - REACH), max(likely) + REACH + 1

    def step(self, expected: int, picture: NDArray[np.float32], first: int, candidates: Signatures) -> int:
        """Take a result frame; `candidates` are the source frames from `first` on. The likeliest of them, for now."""
        plain = _mean_square(candidates - picture)
        unlike = np.minimum(plain, _mean_square(candidates + self._bias - picture))
        octaves = 0.5 * np.log2((unlike + _NOISE) / (unlike.min() + _NOISE))
        before, costs = self._arrive(expected, first, len(candidates))
        if plain.min() <= UNLIKE:  # a picture that is like none tells nothing
            costs = costs + np.clip(octaves - _MARGIN, 0, _MOST)
        self._costs, self._first, self._expected = costs - costs.min(), first, expected
        self._undecided.append((first, before, plain))
        if len(self._undecided) >= 2 * _LAG:
            self._decide(len(self._undecided) - _LAG)
        best = int(costs.argmin())
        self._bias = self._bias + (picture - candidates[best] - self._bias) / _BIAS_FRAMES
        return first + best

    def finish(self) -> None:
        self._decide(len(self._undecided))

    def _arrive(self, expected: int, first: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Where each candidate is best arrived at from, and at what cost."""
        indices = np.arange(first, first + count)
        if self._costs is None:
            away = np.abs(indices - expected)
            return np.full(count, -1), np.where(away == 0, 0, _JUMP + _TIE * away)
        best, passed = int(self._costs.argmin()), expected - self._expected
        before = np.full(count, best)
        costs = self._costs[best] + _JUMP + _TIE * np.abs(indices - (self._first + best + passed))
        for step, price in ((1, _TIE if passed != 1 else 0.0), (passed, 0.0)):
            origin = indices - step - self._first
            there = (origin >= 0) & (origin < len(self._costs))
            free = np.where(there, self._costs[origin.clip(0, len(self._costs) - 1)] + price, np.inf)
            before, costs = np.where(free <= costs, origin, before), np.minimum(free, costs)
        return before, costs

    def _decide(self, count: int) -> None:
        """Settle the oldest `count` frames, by the way that led to where all is likeliest now."""
        if self._costs is None:
            return
        place, way = int(self._costs.argmin()), []
        for first, before, unlike in reversed(self._undecided):
            way.append((first + place, float(unlike[place])))
            place = int(before[place])
        for index, difference in way[::-1][:count]:
            self.shown.append(index)
            self.unlike.append(difference)
        del self._undecided[:count]


@dataclass(frozen=True)
class Disorder:
    """How a sequence of source frames differs from all of them, once, in order.

    lost: indices of source frames. doubled, moved: places in the result.
    """

    lost: tuple[int, ...]
    doubled: tuple[int, ...]
    moved: tuple[int, ...]


def disorder(shown: Sequence[int], total: int) -> Disorder:
    """What is wrong with a result that shows the source frames `shown`, of `total`; as few moves as explain it."""
    seen: set[int] = set()
    doubled = []
    for place, index in enumerate(shown):
        if index in seen:
            doubled.append(place)
        seen.add(index)
    again = set(doubled)
    once = [place for place in range(len(shown)) if place not in again]
    in_order = _longest_rise([shown[place] for place in once])
    moved = [place for place, kept in zip(once, in_order, strict=True) if not kept]
    return Disorder(tuple(i for i in range(total) if i not in seen), tuple(doubled), tuple(moved))


def runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs without gaps: (first, count) each."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == sum(found[-1]):
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((number, 1))
    return found


def _longest_rise(numbers: Sequence[int]) -> list[bool]:
    """Which of distinct numbers make up a longest rising subsequence (patience sorting)."""
    tops: list[int] = []
    piles = []
    for number in numbers:
        pile = bisect_left(tops, number)
        tops[pile : pile + 1] = [number]
        piles.append(pile)
    kept, pile, bound = [False] * len(numbers), len(tops) - 1, float("inf")
    for place in range(len(numbers) - 1, -1, -1):
        if piles[place] == pile and numbers[place] < bound:
            kept[place], bound, pile = True, numbers[place], pile - 1
    return kept


def _mean_square(differences: NDArray[np.float32]) -> NDArray[np.float64]:
    flat = differences.reshape(len(differences), -1)
    return np.asarray(np.einsum("ij,ij->i", flat, flat, dtype=np.float64) / flat.shape[1])
