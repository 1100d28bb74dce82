"""Combing artifacts are measured, and interlaced frames are distinguished from progressive ones."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.frame import PIXEL_FORMATS
from pipeline.media.decoding.interlace.combing import Combing, Rows, sample_rows
from tests import interlaced

GRAY = PIXEL_FORMATS["gray"]


def rows(luma: NDArray[np.uint8]) -> Rows:
    return sample_rows(luma, GRAY)


def between(before: NDArray[np.uint8], frame: NDArray[np.uint8]) -> Combing:
    return Combing.between(rows(before), rows(frame))


@given(speed=st.integers(1, 5), top_first=st.booleans(), moment=st.integers(0, 50))
def test_fields_are_distinguished_from_film_and_so_is_their_order(speed: int, top_first: bool, moment: int) -> None:
    a, b, c, d = (interlaced.luma_at(moment + index, speed=speed) for index in range(4))
    video = (
        [interlaced.interleave(a, b), interlaced.interleave(c, d)]
        if top_first
        else [interlaced.interleave(b, a), interlaced.interleave(d, c)]
    )
    measured = between(*video)
    assert measured.is_conclusive
    assert measured.is_interlaced
    assert measured.top_first == top_first
    film = between(a, c)
    assert film.is_conclusive
    assert not film.is_interlaced
    assert not film.is_combed


@given(step=st.sampled_from([-1, 1]), seed=st.integers(0, 99))
def test_text_that_scrolls_by_a_row_is_progressive(step: int, seed: int) -> None:
    page = np.random.default_rng(seed).choice([16, 235], (90, 64)).astype(np.uint8)
    before, frame = page[8:-8], page[8 + step : 82 + step]
    assert between(before, frame).scrolls
    assert not between(before, frame).is_interlaced
    assert not between(before, frame).is_combed


@given(speed=st.integers(2, 5), top_first=st.booleans())
def test_interlaced_motion_is_not_taken_for_scrolling(speed: int, top_first: bool) -> None:
    """A texture that moves up, by one to two and a half rows each field."""
    rng = np.random.default_rng(speed)
    page = np.repeat(rng.choice([16.0, 235.0], (40, 64)), 4, axis=0)
    moments = [page[speed * k : speed * k + 120 : 2].astype(np.uint8) for k in range(4)]
    order = (0, 1, 2, 3) if top_first else (1, 0, 3, 2)
    video = [interlaced.interleave(moments[order[k]], moments[order[k + 1]]) for k in (0, 2)]
    assert not between(*video).scrolls


def test_still_frames_are_inconclusive() -> None:
    still = interlaced.interleave(interlaced.luma_at(0), interlaced.luma_at(9))
    assert between(still, still) == Combing(0, 0, 0)
    assert not between(still, still).is_conclusive


@given(seed=st.integers(0, 99))
def test_noise_is_progressive(seed: int) -> None:
    grain = np.random.default_rng(seed).normal(0, 12, (2, *interlaced.luma_at(0).shape))
    before, frame = (np.clip(interlaced.luma_at(2 * index) + grain[index], 0, 255).astype(np.uint8) for index in (0, 1))
    assert not between(before, frame).is_interlaced


def test_still_detail_does_not_hide_fields() -> None:
    lines = np.zeros_like(interlaced.luma_at(0))
    lines[::2, : lines.shape[1] // 2] = 90
    a, b, c, d = (np.maximum(interlaced.luma_at(index), lines) for index in range(4))
    assert between(interlaced.interleave(a, b), interlaced.interleave(c, d)).is_interlaced
    assert not between(a, c).is_interlaced


def test_telecined_frame_is_combed_and_its_neighbours_are_not() -> None:
    shown = interlaced.telecined(11)
    measured = [between(*pair).is_interlaced for pair in pairwise(shown)]
    assert [measured[place] for place in (1, 2, 6, 7)] == [True] * 4
    assert [measured[place] for place in (0, 4, 5, 9)] == [False] * 4


def test_combed_frame_after_a_cut_is_found() -> None:
    assert between(
        interlaced.luma_at(0).T.repeat(6, 0)[:336, :64],
        interlaced.interleave(interlaced.luma_at(0), interlaced.luma_at(2)),
    ).is_combed


def test_depth_and_shift_do_not_change_the_measure() -> None:
    before, frame = interlaced.video(2)
    wanted = between(before, frame)
    for name in ("yuv420p10le", "gray16le", "p010le"):
        pixel = PIXEL_FORMATS[name]
        up = pixel.shift + pixel.depth - 8
        measured = [sample_rows(luma.astype(np.uint16) << up, pixel) for luma in (before, frame)]
        assert Combing.between(*measured) == wanted


def test_wide_frames_are_sampled_by_column() -> None:
    assert rows(np.zeros((8, 1920), np.uint8)).shape == (8, 275)
    assert rows(np.zeros((8, 100), np.uint8)).shape == (8, 100)
