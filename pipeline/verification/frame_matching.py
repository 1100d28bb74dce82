"""Finds which source frame each output frame shows, from signatures and times alone; it reads no files.

The timestamp determines the expected frame, the signature shows whether it is that one. The likeliest sequence is found
(A. Viterbi, "Error bounds for convolutional codes", 1967): an output frame that continues from the one before it, in
time or in order, costs nothing, a jump costs `_JUMP`, and a source frame costs as much as it is less alike than the
best one in the search range. So a single doubtful frame does not outweigh the clock, while many that agree do, and in
still scenes the clock decides. Encoders smooth slow scenes over time and err in the same way from frame to frame:
small advantages cost nothing, and the average error of the last frames is subtracted before frames are compared.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Signatures = NDArray[np.float32]  # (frames, ...): a signature of any shape for each frame

REACH = 48  # source frames on either side of the likely one that are searched
_MAX_RANGE = 2000  # source frames in the search range, at most
_LAG = 256  # output frames that are decided together
# Costs are in octaves of the root mean square difference; measured on real clips, x264 at crf 17 and 38: the right
# frame was up to 1.3 octaves less alike than a neighbour, once in 900 frames.
_JUMP, _MARGIN, _MAX_COST = 0.6, 1.0, 4.0
_TIE = 1e-4
UNLIKE = 144.0  # mean square difference, of 255: real clips at crf 38 reach 115, in cells of few pixels
_NOISE = 0.05  # mean square difference, of 255, below which frames are equal
_BIAS_FRAMES = 4


class FrameAligner:
    """Aligns the frames of an output with those of its source.

    For each output frame, in order, call `search_range`, then `add`; at the end call `finish`.

    Attributes:
        shown: Index of the source frame that each output frame shows, as far as it is decided.
        differences: Mean square difference of the two signatures, of 255.
    """

    def __init__(self) -> None:
        self.shown: list[int] = []
        self.differences: list[float] = []
        self._costs: NDArray[np.float64] | None = None
        self._first = self._expected = 0
        self._bias: NDArray[np.float32] | float = 0.0
        self._undecided: list[tuple[int, NDArray[np.intp], NDArray[np.float64]]] = []

    def search_range(self, expected: int) -> tuple[int, int]:
        """Return the first source frame to search and the one after the last, if the clock expects `expected`."""
        if self._costs is None:
            return max(0, expected - REACH), expected + REACH + 1
        best = self._first + int(self._costs.argmin())
        likely = (best + 1, best + expected - self._expected)
        low = min(likely) if max(likely) - min(likely) < _MAX_RANGE else likely[1]
        return max(self._first, low - REACH), max(likely) + REACH + 1

    def add(self, expected: int, signature: NDArray[np.float32], first: int, candidates: Signatures) -> int:
        """Add an output frame.

        Args:
            expected: The source frame that the clock expects.
            signature: Of the output frame.
            first: Index of the first candidate.
            candidates: Signatures of the source frames in the search range.

        Returns:
            The likeliest source frame so far.
        """
        plain = _mean_square(candidates - signature)
        difference = np.minimum(plain, _mean_square(candidates + self._bias - signature))
        octaves = 0.5 * np.log2((difference + _NOISE) / (difference.min() + _NOISE))
        before, costs = self._transitions(expected, first, len(candidates))
        if plain.min() <= UNLIKE:  # a frame unlike all candidates is matched by its time alone
            costs = costs + np.clip(octaves - _MARGIN, 0, _MAX_COST)
        self._costs, self._first, self._expected = costs - costs.min(), first, expected
        self._undecided.append((first, before, plain))
        if len(self._undecided) >= 2 * _LAG:
            self._decide(len(self._undecided) - _LAG)
        best = int(costs.argmin())
        self._bias = self._bias + (signature - candidates[best] - self._bias) / _BIAS_FRAMES
        return first + best

    def finish(self) -> None:
        """Decide the frames that are left."""
        self._decide(len(self._undecided))

    def _transitions(self, expected: int, first: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the best predecessor of each candidate, and the cost of getting there from it."""
        indices = np.arange(first, first + count)
        if self._costs is None:
            distance = np.abs(indices - expected)
            return np.full(count, -1), np.where(distance == 0, 0, _JUMP + _TIE * distance)
        best, elapsed = int(self._costs.argmin()), expected - self._expected
        before = np.full(count, best)
        costs = self._costs[best] + _JUMP + _TIE * np.abs(indices - (self._first + best + elapsed))
        for step, price in ((1, _TIE if elapsed != 1 else 0.0), (elapsed, 0.0)):
            origin = indices - step - self._first
            exists = (origin >= 0) & (origin < len(self._costs))
            free = np.where(exists, self._costs[origin.clip(0, len(self._costs) - 1)] + price, np.inf)
            before, costs = np.where(free <= costs, origin, before), np.minimum(free, costs)
        return before, costs

    def _decide(self, count: int) -> None:
        """Decide the oldest `count` frames, by the path to the state that is likeliest now."""
        if self._costs is None:
            return
        place, path = int(self._costs.argmin()), []
        for first, before, difference in reversed(self._undecided):
            path.append((first + place, float(difference[place])))
            place = int(before[place])
        for index, difference_there in path[::-1][:count]:
            self.shown.append(index)
            self.differences.append(difference_there)
        del self._undecided[:count]


@dataclass(frozen=True)
class OrderErrors:
    """Differences between a sequence of source frames and all of them, once, in order.

    Attributes:
        lost: Indices of source frames that are not shown.
        doubled: Places in the output that repeat a source frame.
        moved: Places in the output that are out of order.
    """

    lost: tuple[int, ...]
    doubled: tuple[int, ...]
    moved: tuple[int, ...]


def find_order_errors(shown: Sequence[int], total: int) -> OrderErrors:
    """Return the errors of an output that shows the source frames `shown` of `total`, with as few moves as possible."""
    seen: set[int] = set()
    doubled = []
    for place, index in enumerate(shown):
        if index in seen:
            doubled.append(place)
        seen.add(index)
    repeats = set(doubled)
    once = [place for place in range(len(shown)) if place not in repeats]
    in_order = _longest_increasing([shown[place] for place in once])
    moved = [place for place, is_kept in zip(once, in_order, strict=True) if not is_kept]
    return OrderErrors(tuple(i for i in range(total) if i not in seen), tuple(doubled), tuple(moved))


def runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Group ascending numbers into runs without gaps: (first, count) each."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == sum(found[-1]):
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((number, 1))
    return found


def _longest_increasing(numbers: Sequence[int]) -> list[bool]:
    """Mark a longest increasing subsequence of distinct numbers (patience sorting)."""
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
