"""The source frame that each output frame shows is found exactly, in any planted order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.verification.frame_matching import FrameAligner, find_order_errors, runs

COUNT = 60


def follow(source: np.ndarray, shown: list[int], expected: list[int], noise: float = 0.0) -> list[int]:
    """Align an output that shows `shown` of the signatures `source`, while the clock expects `expected`."""
    random = np.random.default_rng(3)
    aligner = FrameAligner()
    for index, due in zip(shown, expected, strict=True):
        low, high = aligner.search_range(due)
        picture = source[index] + random.normal(0, noise, source[index].shape).astype(np.float32)
        aligner.add(due, picture, low, source[low:high])
    aligner.finish()
    return aligner.shown


def distinct(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (COUNT, 3, 6, 8)).astype(np.float32)


@st.composite
def disorders(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """The frames of an output, and those that the clock expects: dropped, doubled and swapped in separate places."""
    shown: list[int] = []
    due: list[int] = []
    index = 0
    closed = draw(st.booleans())
    while index < COUNT:
        fault = draw(st.sampled_from(["none"] * 6 + ["drop", "double", "replace", "swap"])) if index < COUNT - 4 else ""
        planted = {"drop": [], "double": [index] * 2, "replace": [index] * 2, "swap": [index + 1, index]}
        frames = planted.get(fault, [index])
        taken = 2 if fault in ("replace", "swap") else 1
        shown += frames
        due += range(index, index + taken) if len(frames) == taken else [index] * len(frames)
        index += taken
        if fault and fault != "none":
            shown += [index, index + 1]
            due += [index, index + 1]
            index += 2
    return shown, [min(place, COUNT - 1) for place in range(len(shown))] if closed else due


@settings(max_examples=60, deadline=None)
@given(planted=disorders(), seed=st.integers(0, 5), noise=st.sampled_from([0.0, 4.0]))
def test_any_order_of_distinct_frames_is_found_exactly(
    planted: tuple[list[int], list[int]], seed: int, noise: float
) -> None:
    shown, due = planted
    assert follow(distinct(seed), shown, due, noise) == shown


@settings(max_examples=25, deadline=None)
@given(
    repeats=st.lists(st.integers(1, 30), min_size=2, max_size=6),
    slope=st.floats(0, 3),
    noise=st.floats(0, 12),
    seed=st.integers(0, 3),
)
def test_still_scenes_fades_and_noise_cause_no_errors(
    repeats: list[int], slope: float, noise: float, seed: int
) -> None:
    scenes = distinct(seed)[: len(repeats)]
    source = np.concatenate([[scene] * count for scene, count in zip(scenes, repeats, strict=True)])
    source = (source + slope * np.arange(len(source))[:, None, None, None]).astype(np.float32)
    even = list(range(len(source)))
    assert follow(source, even, even, noise) == even


def test_black_frames_match_the_expected_ones() -> None:
    source = np.zeros((COUNT, 3, 6, 8), np.float32)
    even = list(range(COUNT))
    assert follow(source, even, even) == even
    with_gap = even[:20] + even[25:]
    assert follow(source, with_gap, with_gap) == with_gap


def test_frames_lost_at_the_start_are_found_in_spite_of_the_clock() -> None:
    source = distinct(1)
    assert follow(source, list(range(7, COUNT)), list(range(COUNT - 7))) == list(range(7, COUNT))


def test_a_frame_unlike_all_candidates_does_not_affect_the_order() -> None:
    source = distinct(2)
    aligner = FrameAligner()
    for due in range(COUNT):
        low, high = aligner.search_range(due)
        picture = np.full((3, 6, 8), 1000, np.float32) if due == 30 else source[due]
        aligner.add(due, picture, low, source[low:high])
    aligner.finish()
    assert aligner.shown == list(range(COUNT))
    assert aligner.differences[30] > 100 * max(aligner.differences[29], 1)


def test_long_videos_are_decided_in_parts() -> None:
    source = np.random.default_rng(1).uniform(0, 255, (1500, 12)).astype(np.float32)
    shown = [*range(700), *range(703, 1500)]
    assert follow(source, shown, list(range(len(shown)))) == shown


def test_lost_doubled_and_moved_frames_are_found() -> None:
    found = find_order_errors([0, 1, 1, 3, 6, 4, 5], 9)
    assert (found.lost, found.doubled, found.moved) == ((2, 7, 8), (2,), (4,))


def test_frames_in_order_have_no_errors() -> None:
    found = find_order_errors(range(50), 50)
    assert (found.lost, found.doubled, found.moved) == ((), (), ())


@given(st.permutations(range(12)))
def test_as_few_frames_as_possible_are_moved(order: list[int]) -> None:
    moved = find_order_errors(order, 12).moved
    kept = [index for place, index in enumerate(order) if place not in moved]
    assert kept == sorted(kept)
    best = [1] * 12
    for place in range(12):
        best[place] = 1 + max((best[p] for p in range(place) if order[p] < order[place]), default=0)
    assert len(moved) == 12 - max(best)


def test_runs_have_no_gaps() -> None:
    assert runs([1, 2, 3, 7, 9, 10]) == [(1, 3), (7, 1), (9, 2)]
    assert runs([]) == []
