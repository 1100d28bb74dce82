"""Tiles: they cover the frame, what a tile's edge spoils is never seen, and no seam is."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.models import synthetic
from pipeline.superres.tiling import Tiling, tilings, upscaled

Pixels = NDArray[np.float32]


@st.composite
def any_tiling(draw: st.DrawFn) -> Tiling:
    """A frame of up to 90 pixels a side in tiles of any size that is allowed."""
    margin, ramp, multiple = draw(st.integers(0, 9)), draw(st.integers(0, 9)), draw(st.sampled_from([1, 2, 4]))
    frame = [draw(st.integers(1, 90)) for _ in "xy"]
    return Tiling(*frame, *(draw(_sizes(length, margin, ramp, multiple)) for length in frame), margin, ramp, multiple)


def _sizes(length: int, margin: int, ramp: int, multiple: int) -> st.SearchStrategy[int]:
    room = max(-(-ramp // multiple) * multiple, multiple)
    smallest = -(-(2 * margin + ramp + room) // multiple) * multiple
    return st.sampled_from([length, *range(smallest, length, multiple)])


def map_of(tiling: Tiling) -> Pixels:
    """A picture that says of each pixel where it lies: (column, row, something else)."""
    rows, columns = np.mgrid[: tiling.height, : tiling.width].astype(np.float32)
    return np.stack([columns, rows, np.sin(columns * rows)])


def enlarged(picture: Pixels, scale: int) -> Pixels:
    return picture.repeat(scale, -2).repeat(scale, -1)


def spoiling(tiling: Tiling, scale: int, poison: float) -> Callable[[Pixels], Pixels]:
    """A network that repeats pixels of `map_of`, and spoils what lies within the margin of an edge inside the frame."""

    def run(tile: Pixels) -> Pixels:
        _, _, rows, columns = tile.shape
        x, y = tile[0, :2, 0, 0].astype(int)
        result, margin = tile.copy(), tiling.margin
        result[..., : margin if y else 0, :] = poison
        result[..., : margin if x else 0] = poison
        result[..., rows - margin if y + rows < tiling.height else rows :, :] = poison
        result[..., columns - margin if x + columns < tiling.width else columns :] = poison
        return enlarged(result, scale)

    return run


@given(tiling=any_tiling())
def test_tiles_lie_in_the_frame_in_raster_order_on_multiples(tiling: Tiling) -> None:
    places = [(tile.y, tile.x) for tile in tiling.tiles]
    assert places == sorted(set(places))
    for frame, size, along in (
        (tiling.height, tiling.tile_height, sorted({y for y, _ in places})),
        (tiling.width, tiling.tile_width, sorted({x for _, x in places})),
    ):
        assert along[0] == 0
        assert along[-1] + size == frame
        assert all(place % tiling.multiple == 0 for place in along[:-1])
        assert all(before + size - after >= 2 * tiling.margin + tiling.ramp for before, after in pairwise(along))


@given(tiling=any_tiling())
def test_what_is_computed_is_all_tiles(tiling: Tiling) -> None:
    assert tiling.computed == len(tiling.tiles) * tiling.tile_width * tiling.tile_height
    assert tiling.whole == (len(tiling.tiles) == 1)


@given(tiling=any_tiling(), scale=st.integers(1, 4))
def test_the_weights_at_every_pixel_add_up_to_one(tiling: Tiling, scale: int) -> None:
    total = np.zeros((scale * tiling.height, scale * tiling.width))
    for tile in tiling.tiles:
        down, across = tiling.weights(tile, scale)
        assert all(((side >= 0) & (side <= 1)).all() for side in (down, across))
        total[scale * tile.y :, scale * tile.x :][: len(down), : len(across)] += np.outer(down, across)
    np.testing.assert_allclose(total, 1, rtol=1e-6)


@given(tiling=any_tiling(), scale=st.integers(1, 4), poison=st.sampled_from([np.nan, np.inf, 1e9]))
def test_what_a_tiles_edge_spoils_is_never_seen(tiling: Tiling, scale: int, poison: float) -> None:
    picture = map_of(tiling)
    result = upscaled(spoiling(tiling, scale, poison), picture, scale, tiling)
    np.testing.assert_allclose(result, enlarged(picture, scale), rtol=1e-6, atol=1e-6)


@given(tiling=any_tiling(), scale=st.integers(1, 4), seed=st.integers(0, 99))
def test_where_tiles_disagree_they_are_blended_over_the_ramp(tiling: Tiling, scale: int, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def run(tile: Pixels) -> Pixels:
        return np.full_like(enlarged(tile, scale), rng.random())

    result = upscaled(run, map_of(tiling), scale, tiling)
    steepest = 1 / max(scale * tiling.ramp, 1) + 1e-5
    assert np.abs(np.diff(result, axis=1)).max(initial=0) <= steepest
    assert np.abs(np.diff(result, axis=2)).max(initial=0) <= steepest


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_result_has_the_pictures_dtype(dtype: type[np.floating]) -> None:
    tiling = Tiling(40, 30, 16, 16, margin=2, ramp=3)
    picture = np.random.default_rng(0).random((3, 30, 40)).astype(dtype)
    result = upscaled(lambda tile: enlarged(tile, 2), picture, 2, tiling)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, enlarged(picture, 2), rtol=2 * np.finfo(dtype).eps)


REACH = 4  # of two convolutions, and one before and after


@pytest.fixture(scope="module")
def srvgg() -> Callable[[Pixels], Pixels]:
    network = synthetic.srvgg(8, 2, np.float32).SerializeToString()
    session = ort.InferenceSession(network, providers=["CPUExecutionProvider"])
    return lambda tile: session.run(None, {"input": tile})[0]


@settings(max_examples=25, deadline=None)
@given(width=st.integers(24, 120), height=st.integers(24, 120), choice=st.data())
def test_a_network_gives_in_tiles_what_it_gives_whole(
    srvgg: Callable[[Pixels], Pixels], width: int, height: int, choice: st.DataObject
) -> None:
    picture = np.random.default_rng(0).random((3, height, width), np.float32)
    tiling = choice.draw(st.sampled_from(list(tilings(width, height, REACH, smallest=16))))
    np.testing.assert_allclose(upscaled(srvgg, picture, 2, tiling), srvgg(picture[None])[0], atol=1e-5)


def test_it_does_not_where_the_margin_is_less_than_its_reach(srvgg: Callable[[Pixels], Pixels]) -> None:
    picture = np.random.default_rng(0).random((3, 64, 64), np.float32)
    short = Tiling(64, 64, 32, 32, margin=REACH - 2, ramp=2)
    assert np.abs(upscaled(srvgg, picture, 2, short) - srvgg(picture[None])[0]).max() > 1e-4


class TestTheCandidates:
    sizes = st.integers(1, 2000)
    reaches = st.none() | st.integers(0, 120)

    @given(width=sizes, height=sizes, reach=reaches, multiple=st.sampled_from([1, 2, 4, 64]))
    def test_begin_with_the_whole_frame_and_get_smaller(
        self, width: int, height: int, reach: int | None, multiple: int
    ) -> None:
        first, *others = tilings(width, height, reach, multiple=multiple)
        assert first.whole
        areas = [tiling.tile_width * tiling.tile_height for tiling in (first, *others)]
        assert all(after <= before * 2 / 3 for before, after in pairwise(areas))
        for tiling in others:
            assert tiling.margin == (32 if reach is None else reach)
            for frame, tile in ((width, tiling.tile_width), (height, tiling.tile_height)):
                assert tile == frame or tile >= 64 + 2 * tiling.margin

    def test_halve_a_large_frame_until_tiles_are_small(self) -> None:
        areas = [tiling.tile_width * tiling.tile_height for tiling in tilings(3840, 2160, 10)]
        assert all(after >= before / 3 for before, after in pairwise(areas))
        assert areas[-1] < 1.5 * (64 + 2 * 10) ** 2

    def test_cut_the_longer_side_first(self) -> None:
        _, halves, quarters, *_ = tilings(1920, 1080, 8)
        assert (halves.tile_width, halves.tile_height) == (972, 1080)
        assert (quarters.tile_width, quarters.tile_height) == (972, 552)

    def test_waste_little_on_large_tiles(self) -> None:
        for tiling in tilings(3840, 2160, None):
            if tiling.tile_width * tiling.tile_height > 512 * 512:
                assert tiling.computed < 1.5 * 3840 * 2160

    def test_are_blended_over_a_longer_way_where_the_reach_is_unknown(self) -> None:
        assert {tiling.ramp for tiling in tilings(640, 480, None)} == {32}
        assert {tiling.ramp for tiling in tilings(640, 480, 8)} == {8}


@pytest.mark.parametrize(
    "sizes",
    [
        (64, 64, 80, 64),  # larger than the frame
        (64, 64, 33, 32),  # no multiple
        (64, 64, 22, 32),  # margins and ramps fill it
        (64, 64, 0, 64),
    ],
)
def test_tiles_that_cannot_be_are_refused(sizes: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"in tiles of .* smaller and not too small"):
        Tiling(*sizes, margin=4, ramp=8)
