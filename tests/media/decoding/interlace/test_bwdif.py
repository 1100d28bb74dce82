"""Deinterlace yields one or two frames per frame, at the right times, and releases every frame once."""

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
from pipeline.flow.stage import Stage
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
UNSUPPORTED = {"nv12", "p010le", "yuv440p10le", "yuv440p12le", "ya8", "ya16le"}


class Footage:
    """Frames, and a record of those that were released."""

    def __init__(self, lumas: Iterable[interlaced.Luma], marked: Iterable[bool] | None = None) -> None:
        self.released: list[int] = []
        lumas = list(lumas)
        marks = [True] * len(lumas) if marked is None else marked
        self.frames = [
            Frame(GRAY, (luma,), LASTS * index, LASTS, partial(self.released.append, index), interlaced=mark)
            for index, (luma, mark) in enumerate(zip(lumas, marks, strict=True))
        ]


def run(stage: Stage[Any, Any], items: Iterable[Any]) -> list[Any]:
    yielded = [each for item in items for each in stage.feed(item)]
    return [*yielded, *stage.finish()]


def lumas(frames: Iterable[Frame]) -> list[interlaced.Luma]:
    return [frame.planes[0] for frame in frames]


@pytest.mark.parametrize("top_first", [True, False])
def test_each_frame_becomes_its_first_field(top_first: bool) -> None:
    footage = Footage(interlaced.video(8, top_first))
    output = run(Deinterlace[str](Deinterlacing("all", top_first), GRAY, LASTS), footage.frames)
    assert [(frame.pts, frame.duration) for frame in output] == [(LASTS * index, LASTS) for index in range(8)]
    for index, luma in enumerate(lumas(output)):
        assert interlaced.error(luma, interlaced.luma_at(2 * index)) < 8
        assert interlaced.error(footage.frames[index].planes[0], interlaced.luma_at(2 * index)) > 20
        row = not top_first
        assert np.array_equal(luma[row::2], footage.frames[index].planes[0][row::2])


@pytest.mark.parametrize("top_first", [True, False])
def test_doubled_fields_become_frames_the_second_midway(top_first: bool) -> None:
    footage = Footage(interlaced.video(8, top_first))
    output = run(Deinterlace[str](Deinterlacing("all", top_first, doubled=True), GRAY, LASTS), footage.frames)
    assert [(frame.pts, frame.duration) for frame in output] == [(LASTS * index, LASTS) for index in range(16)]
    assert all(interlaced.error(luma, interlaced.luma_at(moment)) < 8 for moment, luma in enumerate(lumas(output)))


def test_doubled_frames_keep_their_times_on_a_fine_clock() -> None:
    footage = Footage(interlaced.video(4, True))
    output = run(
        Deinterlace[str](FineClockDeinterlacing("all", top_first=True, doubled=True), GRAY, LASTS), footage.frames
    )
    assert [(frame.pts, frame.duration) for frame in output] == [(LASTS // 2 * index, LASTS // 2) for index in range(8)]


def test_wrong_field_order_reverses_motion() -> None:
    output = lumas(
        run(Deinterlace[str](replace(TWICE, top_first=False), GRAY, LASTS), Footage(interlaced.video(6)).frames)
    )
    assert interlaced.error(output[4], interlaced.luma_at(5)) < interlaced.error(output[4], interlaced.luma_at(4))


@given(times=st.lists(st.integers(1, 25), min_size=1, max_size=6), doubled=st.booleans())
@settings(max_examples=40)
def test_frames_keep_any_times(times: list[int], doubled: bool) -> None:
    starts = np.cumsum([3, *times]).tolist()
    frames = Footage(interlaced.video(len(starts))).frames
    frames = [replace(frame, pts=pts) for frame, pts in zip(frames, starts, strict=True)]
    output = run(Deinterlace[str](TWICE if doubled else ALL, GRAY, LASTS), frames)
    count = 1 + doubled
    assert [frame.pts for frame in output[::count]] == [count * pts for pts in starts]
    gaps = [gap if gap <= 2 * LASTS else LASTS for gap in times] + [LASTS]
    if doubled:  # in half ticks: half a gap is as many of them as it has ticks
        assert [frame.pts for frame in output[1::2]] == [2 * pts + gap for pts, gap in zip(starts, gaps, strict=True)]
    assert all(one.pts < other.pts for one, other in pairwise(output))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("how", [ALL, TWICE])
def test_short_videos_have_the_right_number_of_frames(count: int, how: Deinterlacing) -> None:
    assert (
        len(run(Deinterlace[str](how, GRAY, LASTS), Footage(interlaced.video(count)).frames)) == count * how.multiplier
    )


def test_empty_video_stays_empty() -> None:
    assert run(Deinterlace[str](ALL, GRAY, LASTS), []) == []


def test_unmarked_frames_pass_unchanged() -> None:
    footage = Footage([*interlaced.video(3), *interlaced.film(3)], [True] * 3 + [False] * 3)
    output = run(Deinterlace[str](replace(ALL, which="marked"), GRAY, LASTS), footage.frames)
    assert [a.planes[0] is b.planes[0] for a, b in zip(output, footage.frames, strict=True)] == [False] * 3 + [True] * 3


def test_unmarked_frames_are_repeated_if_frames_are_doubled() -> None:
    footage = Footage(interlaced.film(3), [False] * 3)
    output = run(Deinterlace[str](replace(TWICE, which="marked"), GRAY, LASTS), footage.frames)
    assert [frame.pts for frame in output] == [LASTS * index for index in range(6)]
    assert [frame.planes[0] is footage.frames[place // 2].planes[0] for place, frame in enumerate(output)] == [True] * 6


def test_of_telecined_film_only_combed_frames_change() -> None:
    footage = Footage(interlaced.telecined(15), [False] * 15)
    output = run(Deinterlace[str](replace(ALL, which="combed"), GRAY, LASTS), footage.frames)
    kept = [a.planes[0] is b.planes[0] for a, b in zip(output, footage.frames, strict=True)]
    assert [kept[place] for place in (2, 3, 7, 8, 12, 13)] == [False] * 6
    assert [kept[place] for place in (1, 5, 6, 10, 11)] == [True] * 5


@pytest.mark.parametrize("how", [ALL, TWICE, replace(ALL, which="marked"), replace(TWICE, which="marked")])
def test_each_frame_is_released_once_after_its_last_reader(how: Deinterlacing) -> None:
    footage = Footage(interlaced.video(6), [True, False] * 3)
    stage = Deinterlace[str](how, GRAY, LASTS)
    for frame in run(stage, footage.frames):
        frame.release()
    stage.close()
    gc.collect()
    assert sorted(footage.released) == list(range(6))


@pytest.mark.parametrize("which", ["all", "marked"])
def test_frames_are_released_on_an_early_end(which: Any) -> None:
    footage = Footage(interlaced.video(5), [True, False, False, True, False])
    stage = Deinterlace[str](Deinterlacing(which, True, doubled=True), GRAY, LASTS)
    for frame in [each for item in footage.frames for each in stage.feed(item) if isinstance(each, Frame)]:
        frame.release()
    stage.close()
    gc.collect()
    assert sorted(footage.released) == list(range(5))


def test_frame_is_not_released_while_one_of_its_outputs_is_in_use() -> None:
    footage = Footage(interlaced.film(3), [False] * 3)
    stage = Deinterlace[str](replace(TWICE, which="marked"), GRAY, LASTS)
    first, second, *_ = run(stage, footage.frames)
    stage.close()
    gc.collect()
    first.release()
    assert 0 not in footage.released
    second.release()
    assert 0 in footage.released


@pytest.mark.parametrize("how", [ALL, TWICE, replace(ALL, which="combed")])
def test_flush_marker_yields_everything_and_starts_afresh(how: Deinterlacing) -> None:
    before, after = Footage(interlaced.video(4)).frames, Footage(interlaced.video(8)).frames[4:]
    output = run(Deinterlace[str](how, GRAY, LASTS), [*before, FlushMarker(), FlushMarker(), *after])
    apart = run(Deinterlace[str](how, GRAY, LASTS), before) + run(Deinterlace[str](how, GRAY, LASTS), after)
    assert [frame.pts for frame in output] == [frame.pts for frame in apart]
    for luma, alone in zip(lumas(output), lumas(apart), strict=True):
        np.testing.assert_array_equal(luma, alone)


def test_other_items_pass_immediately() -> None:
    stage = Deinterlace[str](ALL, GRAY, LASTS)
    assert list(stage.feed(Footage(interlaced.video(1)).frames[0])) == []
    assert list(stage.feed("packet")) == ["packet"]


@pytest.mark.parametrize("name", PIXEL_FORMATS)
def test_each_format_is_deinterlaced_exactly_or_refused(name: str) -> None:
    pixel = PIXEL_FORMATS[name]
    format = FrameFormat(16, 32, pixel, Colour(1, False))
    if find_bwdif_format(format) is None:
        assert name in UNSUPPORTED
        with pytest.raises(InputError, match=f'16x32 {name}.*`deinterlace="off"`'):
            Deinterlace[str](ALL, format, LASTS)
        return
    assert name not in UNSUPPORTED
    frames = [_flickering(format, index) for index in range(4)]
    output = run(Deinterlace[str](ALL, format, LASTS), frames)
    for frame, before in zip(output, frames, strict=True):
        assert frame.format == format
        for plane, source in zip(frame.planes, before.planes, strict=True):
            assert plane.dtype == pixel.dtype
            assert plane.max() < 1 << pixel.depth
            assert np.array_equal(plane[::2], source[::2])


def test_10_bits_are_deinterlaced_as_16_bits() -> None:
    def output(how: FrameFormat) -> list[interlaced.Luma]:
        frames = [
            Frame(how, (luma.astype(np.uint16) << 2,), index, 1) for index, luma in enumerate(interlaced.video(4))
        ]
        return lumas(run(Deinterlace[str](ALL, how, LASTS), frames))

    ten = replace(GRAY, pixel=PIXEL_FORMATS["gray10le"])
    sixteen = replace(GRAY, pixel=PIXEL_FORMATS["gray16le"])
    assert find_bwdif_format(ten) == sixteen
    assert all(np.array_equal(a, b) for a, b in zip(output(ten), output(sixteen), strict=True))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 2), (2, 64), (64, 2), (16, 6)])
def test_frames_that_are_too_small_are_refused(width: int, height: int) -> None:
    assert find_bwdif_format(FrameFormat(width, height, PIXEL_FORMATS["yuv420p"], Colour(1, False))) is None


@pytest.mark.parametrize("name", ["gray", "yuv420p", "yuv422p10le"])
def test_odd_sizes_are_deinterlaced(name: str) -> None:
    format = replace(GRAY, width=33, height=65, pixel=PIXEL_FORMATS[name])
    frames = [_flickering(format, index) for index in range(2)]
    output = run(Deinterlace[str](ALL, format, LASTS), frames)
    assert [[plane.shape for plane in frame.planes] for frame in output] == [list(format.plane_shapes)] * 2
    assert all(np.array_equal(a.planes[-1][::2], b.planes[-1][::2]) for a, b in zip(output, frames, strict=True))


def _flickering(format: FrameFormat, index: int) -> Frame:
    """Samples at either end of the range, at random: interpolation between them exceeds it."""
    high = np.random.default_rng(index).integers(0, 2, format.bytes // format.pixel.dtype.itemsize) == 1
    samples = np.where(high, (1 << format.pixel.depth) - 1, 0).astype(format.pixel.dtype)
    return Frame(format, format.split(samples.view(np.uint8)), index, 1)


@pytest.mark.parametrize("which", ["all", "marked"])
def test_captions_go_to_the_first_frame_that_a_frame_becomes(which: Any) -> None:
    footage = Footage(interlaced.video(4, True), marked=[False] * 4)
    for index, frame in enumerate(footage.frames):
        frame.captions = bytes([index])
    output = run(Deinterlace[str](replace(TWICE, which=which), GRAY, LASTS), footage.frames)
    assert [frame.captions for frame in output] == [b"\0", b"", b"\1", b"", b"\2", b"", b"\3", b""]
