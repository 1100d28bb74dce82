import gc
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.frame import PIXEL_FORMATS, Colour, Frame, FrameFormat
from pipeline.media.decoding.interlace.bwdif import (
    Deinterlace,
    Deinterlacing,
    FineClockDeinterlacing,
    FlushMarker,
    find_bwdif_format,
)
from tests import interlaced

ALL = Deinterlacing("all", top_first=True)
TWICE = replace(ALL, doubled=True)
GRAY = FrameFormat(*interlaced.SIZE, PIXEL_FORMATS["gray"], Colour(1, False))
LASTS = 10
CAN_NOT = {"nv12", "p010le", "yuv440p10le", "yuv440p12le", "ya8", "ya16le"}


class Footage:
    """Frames, and how often each was released."""

    def __init__(self, lumas: Iterable[interlaced.Luma], marked: Iterable[bool] | None = None) -> None:
        self.released: list[int] = []
        lumas = list(lumas)
        marks = [True] * len(lumas) if marked is None else marked
        self.frames = [
            Frame(GRAY, (luma,), LASTS * index, LASTS, partial(self.released.append, index), interlaced=mark)
            for index, (luma, mark) in enumerate(zip(lumas, marks, strict=True))
        ]


def through(stage: Deinterlace, items: Iterable[Any]) -> list[Any]:
    out = [made for item in items for made in stage.feed(item)]
    return [*out, *stage.finish()]


def lumas(frames: Iterable[Frame]) -> list[interlaced.Luma]:
    return [frame.planes[0] for frame in frames]


@pytest.mark.parametrize("top_first", [True, False])
def test_each_frame_becomes_its_first_field(top_first: bool) -> None:
    footage = Footage(interlaced.video(8, top_first))
    made = through(Deinterlace(Deinterlacing("all", top_first), GRAY, LASTS), footage.frames)
    assert [(frame.pts, frame.duration) for frame in made] == [(LASTS * index, LASTS) for index in range(8)]
    for index, luma in enumerate(lumas(made)):
        assert interlaced.error(luma, interlaced.at(2 * index)) < 8
        assert interlaced.error(footage.frames[index].planes[0], interlaced.at(2 * index)) > 20
        row = not top_first
        assert np.array_equal(luma[row::2], footage.frames[index].planes[0][row::2])


@pytest.mark.parametrize("top_first", [True, False])
def test_doubled_each_field_is_a_frame_and_the_second_lies_midway(top_first: bool) -> None:
    footage = Footage(interlaced.video(8, top_first))
    made = through(Deinterlace(Deinterlacing("all", top_first, doubled=True), GRAY, LASTS), footage.frames)
    assert [(frame.pts, frame.duration) for frame in made] == [(LASTS * index, LASTS) for index in range(16)]
    assert all(interlaced.error(luma, interlaced.at(moment)) < 8 for moment, luma in enumerate(lumas(made)))


def test_doubled_on_a_clock_that_is_fine_enough_frames_keep_their_times() -> None:
    footage = Footage(interlaced.video(4, True))
    made = through(
        Deinterlace(FineClockDeinterlacing("all", top_first=True, doubled=True), GRAY, LASTS), footage.frames
    )
    assert [(frame.pts, frame.duration) for frame in made] == [(LASTS // 2 * index, LASTS // 2) for index in range(8)]


def test_the_wrong_order_runs_to_and_fro() -> None:
    made = lumas(
        through(Deinterlace(replace(TWICE, top_first=False), GRAY, LASTS), Footage(interlaced.video(6)).frames)
    )
    assert interlaced.error(made[4], interlaced.at(5)) < interlaced.error(made[4], interlaced.at(4))


@given(times=st.lists(st.integers(1, 25), min_size=1, max_size=6), doubled=st.booleans())
@settings(max_examples=40)
def test_frames_keep_their_times_whatever_they_are(times: list[int], doubled: bool) -> None:
    starts = np.cumsum([3, *times]).tolist()
    frames = Footage(interlaced.video(len(starts))).frames
    frames = [replace(frame, pts=pts) for frame, pts in zip(frames, starts, strict=True)]
    made = through(Deinterlace(TWICE if doubled else ALL, GRAY, LASTS), frames)
    count = 1 + doubled
    assert [frame.pts for frame in made[::count]] == [count * pts for pts in starts]
    gaps = [gap if gap <= 2 * LASTS else LASTS for gap in times] + [LASTS]
    if doubled:  # in half ticks: half a gap is as many of them as it has ticks
        assert [frame.pts for frame in made[1::2]] == [2 * pts + gap for pts, gap in zip(starts, gaps, strict=True)]
    assert all(one.pts < other.pts for one, other in pairwise(made))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("how", [ALL, TWICE])
def test_few_frames_are_as_many_as_they_should_be(count: int, how: Deinterlacing) -> None:
    assert (
        len(through(Deinterlace(how, GRAY, LASTS), Footage(interlaced.video(count)).frames)) == count * how.multiplier
    )


def test_no_frame_is_none() -> None:
    assert through(Deinterlace(ALL, GRAY, LASTS), []) == []


def test_frames_that_are_not_marked_pass_as_they_are() -> None:
    footage = Footage([*interlaced.video(3), *interlaced.film(3)], [True] * 3 + [False] * 3)
    made = through(Deinterlace(replace(ALL, which="marked"), GRAY, LASTS), footage.frames)
    assert [a.planes[0] is b.planes[0] for a, b in zip(made, footage.frames, strict=True)] == [False] * 3 + [True] * 3


def test_frames_that_are_not_marked_are_shown_twice_where_frames_are_doubled() -> None:
    footage = Footage(interlaced.film(3), [False] * 3)
    made = through(Deinterlace(replace(TWICE, which="marked"), GRAY, LASTS), footage.frames)
    assert [frame.pts for frame in made] == [LASTS * index for index in range(6)]
    assert [frame.planes[0] is footage.frames[place // 2].planes[0] for place, frame in enumerate(made)] == [True] * 6


def test_of_film_that_is_telecined_only_combed_frames_change() -> None:
    footage = Footage(interlaced.telecined(15), [False] * 15)
    made = through(Deinterlace(replace(ALL, which="combed"), GRAY, LASTS), footage.frames)
    kept = [a.planes[0] is b.planes[0] for a, b in zip(made, footage.frames, strict=True)]
    assert [kept[place] for place in (2, 3, 7, 8, 12, 13)] == [False] * 6
    assert [kept[place] for place in (1, 5, 6, 10, 11)] == [True] * 5


@pytest.mark.parametrize("how", [ALL, TWICE, replace(ALL, which="marked"), replace(TWICE, which="marked")])
def test_each_frame_is_released_once_when_nobody_reads_it_any_more(how: Deinterlacing) -> None:
    footage = Footage(interlaced.video(6), [True, False] * 3)
    stage = Deinterlace(how, GRAY, LASTS)
    for frame in through(stage, footage.frames):
        frame.release()
    stage.close()
    gc.collect()
    assert sorted(footage.released) == list(range(6))


@pytest.mark.parametrize("which", ["all", "marked"])
def test_frames_are_released_where_it_ends_early(which: Any) -> None:
    footage = Footage(interlaced.video(5), [True, False, False, True, False])
    stage = Deinterlace(Deinterlacing(which, True, doubled=True), GRAY, LASTS)
    for made in [made for frame in footage.frames for made in stage.feed(frame)]:
        made.release()
    stage.close()
    gc.collect()
    assert sorted(footage.released) == list(range(5))


def test_a_frame_is_not_released_while_its_picture_is_on_its_way() -> None:
    footage = Footage(interlaced.film(3), [False] * 3)
    stage = Deinterlace(replace(TWICE, which="marked"), GRAY, LASTS)
    first, second, *_ = through(stage, footage.frames)
    stage.close()
    gc.collect()
    first.release()
    assert 0 not in footage.released
    second.release()
    assert 0 in footage.released


@pytest.mark.parametrize("how", [ALL, TWICE, replace(ALL, which="combed")])
def test_before_a_pause_all_goes_out_and_after_it_all_begins_anew(how: Deinterlacing) -> None:
    before, after = Footage(interlaced.video(4)).frames, Footage(interlaced.video(8)).frames[4:]
    made = through(Deinterlace(how, GRAY, LASTS), [*before, FlushMarker(), FlushMarker(), *after])
    apart = through(Deinterlace(how, GRAY, LASTS), before) + through(Deinterlace(how, GRAY, LASTS), after)
    assert [frame.pts for frame in made] == [frame.pts for frame in apart]
    for luma, alone in zip(lumas(made), lumas(apart), strict=True):
        np.testing.assert_array_equal(luma, alone)


def test_other_items_pass_at_once() -> None:
    stage = Deinterlace(ALL, GRAY, LASTS)
    assert list(stage.feed(Footage(interlaced.video(1)).frames[0])) == []
    assert list(stage.feed("packet")) == ["packet"]


@pytest.mark.parametrize("name", PIXEL_FORMATS)
def test_each_format_is_deinterlaced_as_it_is_or_refused(name: str) -> None:
    pixel = PIXEL_FORMATS[name]
    format = FrameFormat(16, 32, pixel, Colour(1, False))
    if find_bwdif_format(format) is None:
        assert name in CAN_NOT
        with pytest.raises(InputError, match=f'16x32 {name}.*`deinterlace="off"`'):
            Deinterlace(ALL, format, LASTS)
        return
    assert name not in CAN_NOT
    given = [_flickering(format, index) for index in range(4)]
    made = through(Deinterlace(ALL, format, LASTS), given)
    for frame, before in zip(made, given, strict=True):
        assert frame.format == format
        for plane, source in zip(frame.planes, before.planes, strict=True):
            assert plane.dtype == pixel.dtype
            assert plane.max() < 1 << pixel.depth
            assert np.array_equal(plane[::2], source[::2])


def test_ten_bits_among_sixteen_are_deinterlaced_as_they_are_alone() -> None:
    def made(how: FrameFormat) -> list[interlaced.Luma]:
        frames = [
            Frame(how, (luma.astype(np.uint16) << 2,), index, 1) for index, luma in enumerate(interlaced.video(4))
        ]
        return lumas(through(Deinterlace(ALL, how, LASTS), frames))

    ten = replace(GRAY, pixel=PIXEL_FORMATS["gray10le"])
    sixteen = replace(GRAY, pixel=PIXEL_FORMATS["gray16le"])
    assert find_bwdif_format(ten) == sixteen
    assert all(np.array_equal(a, b) for a, b in zip(made(ten), made(sixteen), strict=True))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 2), (2, 64), (64, 2), (16, 6)])
def test_what_is_too_small_is_refused(width: int, height: int) -> None:
    assert find_bwdif_format(FrameFormat(width, height, PIXEL_FORMATS["yuv420p"], Colour(1, False))) is None


@pytest.mark.parametrize("name", ["gray", "yuv420p", "yuv422p10le"])
def test_odd_sizes_are_deinterlaced_too(name: str) -> None:
    format = replace(GRAY, width=33, height=65, pixel=PIXEL_FORMATS[name])
    frames = [_flickering(format, index) for index in range(2)]
    made = through(Deinterlace(ALL, format, LASTS), frames)
    assert [[plane.shape for plane in frame.planes] for frame in made] == [list(format.plane_shapes)] * 2
    assert all(np.array_equal(a.planes[-1][::2], b.planes[-1][::2]) for a, b in zip(made, frames, strict=True))


def _flickering(format: FrameFormat, index: int) -> Frame:
    """Samples that are each at one end of the range, by chance: what is made up between them goes beyond."""
    high = np.random.default_rng(index).integers(0, 2, format.bytes // format.pixel.dtype.itemsize) == 1
    samples = np.where(high, (1 << format.pixel.depth) - 1, 0).astype(format.pixel.dtype)
    return Frame(format, format.split(samples.view(np.uint8)), index, 1)
