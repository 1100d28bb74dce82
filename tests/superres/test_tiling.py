"""Tiling: coverage, margins, blending, and the candidates for a frame."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.models import catalogue, synthetic
from pipeline.superres.tiling import Tiling, candidate_tilings, model_tilings, upscale_in_tiles

Pixels = NDArray[np.float32]


@st.composite
def any_tiling(draw: st.DrawFn) -> Tiling:
    """A tiling of a frame of up to 90 pixels a side, with any allowed size of tiles."""
    margin, ramp, multiple = draw(st.integers(0, 9)), draw(st.integers(0, 9)), draw(st.sampled_from([1, 2, 4]))
    frame = [draw(st.integers(1, 90)) for _ in "xy"]
    tile_width, tile_height = (draw(_sizes(length, margin, ramp, multiple)) for length in frame)
    return Tiling(frame[0], frame[1], tile_width, tile_height, margin, ramp, multiple)


def _sizes(length: int, margin: int, ramp: int, multiple: int) -> st.SearchStrategy[int]:
    room = max(-(-ramp // multiple) * multiple, multiple)
    smallest = -(-(2 * margin + ramp + room) // multiple) * multiple
    return st.sampled_from([length, *range(smallest, length, multiple)])


def map_of(tiling: Tiling) -> Pixels:
    """An image whose pixels contain their own position: (column, row, another value)."""
    rows, columns = np.mgrid[: tiling.height, : tiling.width].astype(np.float32)
    return np.stack([columns, rows, np.sin(columns * rows)])


def enlarged(image: Pixels, scale: int) -> Pixels:
    return image.repeat(scale, -2).repeat(scale, -1)


def spoiling(tiling: Tiling, scale: int, poison: float) -> Callable[[Pixels], Pixels]:
    """A network that repeats the pixels of `map_of`, and spoils the margin at edges inside the frame."""

    def run(tile: Pixels) -> Pixels:
        _, _, rows, columns = tile.shape
        x, y = tile[0, :2, 0, 0].astype(int)
        output, margin = tile.copy(), tiling.margin
        output[..., : margin if y else 0, :] = poison
        output[..., : margin if x else 0] = poison
        output[..., rows - margin if y + rows < tiling.height else rows :, :] = poison
        output[..., columns - margin if x + columns < tiling.width else columns :] = poison
        return enlarged(output, scale)

    return run


@given(tiling=any_tiling())
def test_tiles_are_inside_the_frame_in_raster_order_at_multiples(tiling: Tiling) -> None:
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
def test_computed_pixels_count_all_tiles(tiling: Tiling) -> None:
    assert tiling.computed_pixels == len(tiling.tiles) * tiling.tile_width * tiling.tile_height
    assert tiling.is_single_tile == (len(tiling.tiles) == 1)


@given(tiling=any_tiling(), scale=st.integers(1, 4))
def test_the_weights_at_every_pixel_add_up_to_one(tiling: Tiling, scale: int) -> None:
    total = np.zeros((scale * tiling.height, scale * tiling.width))
    for tile in tiling.tiles:
        down, across = tiling.weights(tile, scale)
        assert all(((side >= 0) & (side <= 1)).all() for side in (down, across))
        total[scale * tile.y :, scale * tile.x :][: len(down), : len(across)] += np.outer(down, across)
    np.testing.assert_allclose(total, 1, rtol=1e-6)


@given(tiling=any_tiling(), scale=st.integers(1, 4), poison=st.sampled_from([np.nan, np.inf, 1e9]))
def test_the_margin_of_a_tile_is_never_used(tiling: Tiling, scale: int, poison: float) -> None:
    image = map_of(tiling)
    output = upscale_in_tiles(spoiling(tiling, scale, poison), image, scale, tiling)
    np.testing.assert_allclose(output, enlarged(image, scale), rtol=1e-6, atol=1e-6)


@given(tiling=any_tiling(), scale=st.integers(1, 4), seed=st.integers(0, 99))
def test_tiles_are_blended_linearly_over_the_ramp(tiling: Tiling, scale: int, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def run(tile: Pixels) -> Pixels:
        return np.full_like(enlarged(tile, scale), rng.random())

    output = upscale_in_tiles(run, map_of(tiling), scale, tiling)
    steepest = 1 / max(scale * tiling.ramp, 1) + 1e-5
    assert np.abs(np.diff(output, axis=1)).max(initial=0) <= steepest
    assert np.abs(np.diff(output, axis=2)).max(initial=0) <= steepest


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_output_has_the_dtype_of_the_input(dtype: type[np.floating]) -> None:
    tiling = Tiling(40, 30, 16, 16, margin=2, ramp=3)
    image = np.random.default_rng(0).random((3, 30, 40)).astype(dtype)
    output = upscale_in_tiles(lambda tile: enlarged(tile, 2), image, 2, tiling)
    assert output.dtype == dtype
    np.testing.assert_allclose(output, enlarged(image, 2), rtol=2 * float(np.finfo(dtype).eps))


RADIUS = 4  # two convolutions, and one before and after


@pytest.fixture(scope="module")
def srvgg() -> Callable[[Pixels], Pixels]:
    network = synthetic.srvgg(8, 2, np.float32).SerializeToString()
    session = ort.InferenceSession(network, providers=["CPUExecutionProvider"])
    return lambda tile: session.run(None, {"input": tile})[0]


@settings(max_examples=25, deadline=None)
@given(width=st.integers(24, 120), height=st.integers(24, 120), choice=st.data())
def test_a_network_gives_the_same_output_in_tiles_and_at_once(
    srvgg: Callable[[Pixels], Pixels], width: int, height: int, choice: st.DataObject
) -> None:
    image = np.random.default_rng(0).random((3, height, width), np.float32)
    tiling = choice.draw(st.sampled_from(list(candidate_tilings(width, height, RADIUS, smallest=16))))
    np.testing.assert_allclose(upscale_in_tiles(srvgg, image, 2, tiling), srvgg(image[None])[0], atol=1e-5)


def test_a_margin_smaller_than_the_receptive_field_changes_the_output(srvgg: Callable[[Pixels], Pixels]) -> None:
    image = np.random.default_rng(0).random((3, 64, 64), np.float32)
    short = Tiling(64, 64, 32, 32, margin=RADIUS - 2, ramp=2)
    assert np.abs(upscale_in_tiles(srvgg, image, 2, short) - srvgg(image[None])[0]).max() > 1e-4


class TestCandidates:
    sizes = st.integers(1, 2000)
    radii = st.none() | st.integers(0, 120)

    @given(width=sizes, height=sizes, radius=radii, multiple=st.sampled_from([1, 2, 4, 64]))
    def test_candidates_begin_with_the_complete_frame_and_become_smaller(
        self, width: int, height: int, radius: int | None, multiple: int
    ) -> None:
        first, *others = candidate_tilings(width, height, radius, multiple=multiple)
        assert first.is_single_tile
        areas = [tiling.tile_width * tiling.tile_height for tiling in (first, *others)]
        assert all(after <= before * 2 / 3 for before, after in pairwise(areas))
        for tiling in others:
            assert tiling.margin == (32 if radius is None else radius)
            for frame, tile in ((width, tiling.tile_width), (height, tiling.tile_height)):
                assert tile == frame or tile >= 64 + 2 * tiling.margin

    def test_candidates_halve_a_large_frame_until_tiles_are_small(self) -> None:
        areas = [tiling.tile_width * tiling.tile_height for tiling in candidate_tilings(3840, 2160, 10)]
        assert all(after >= before / 3 for before, after in pairwise(areas))
        assert areas[-1] < 1.5 * (64 + 2 * 10) ** 2

    def test_candidates_cut_the_longer_side_first(self) -> None:
        _, halves, quarters, *_ = candidate_tilings(1920, 1080, 8)
        assert (halves.tile_width, halves.tile_height) == (972, 1080)
        assert (quarters.tile_width, quarters.tile_height) == (972, 552)

    def test_large_tiles_overlap_little(self) -> None:
        for tiling in candidate_tilings(3840, 2160, None):
            if tiling.tile_width * tiling.tile_height > 512 * 512:
                assert tiling.computed_pixels < 1.5 * 3840 * 2160

    def test_the_ramp_is_longer_if_the_receptive_field_is_unknown(self) -> None:
        assert {tiling.ramp for tiling in candidate_tilings(640, 480, None)} == {32}
        assert {tiling.ramp for tiling in candidate_tilings(640, 480, 8)} == {8}


@pytest.mark.parametrize(
    "sizes",
    [
        (64, 64, 33, 32),  # not a multiple
        (64, 64, 22, 32),  # no room beside margins and ramps
        (64, 64, 0, 64),
    ],
)
def test_invalid_sizes_of_tiles_are_refused(sizes: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"in tiles of .* smaller but not too small"):
        Tiling(*sizes, margin=4, ramp=8)


class TestModels:
    def test_a_model_for_one_size_has_a_single_tiling(self) -> None:
        model = catalogue.find("clear-x2", np.float16)
        assert len(list(model_tilings(model, 640, 480))) > 3
        fixed = replace(model, size=(480, 640))
        assert [tiling.is_single_tile for tiling in model_tilings(fixed, 640, 480)] == [True]

    @given(
        width=st.integers(1, 300),
        height=st.integers(1, 300),
        size=st.tuples(st.integers(8, 200), st.integers(8, 200)),
        radius=st.none() | st.integers(0, 120),
        stride=st.sampled_from([1, 2, 8]),
    )
    def test_frames_of_any_size_are_cut_into_tiles_of_the_only_size(
        self, width: int, height: int, size: tuple[int, int], radius: int | None, stride: int
    ) -> None:
        model = replace(catalogue.find("identity", np.float32), size=size, receptive_field_radius=radius, stride=stride)
        (tiling,) = model_tilings(model, width, height)
        assert (tiling.tile_height, tiling.tile_width) == size
        image = map_of(tiling)
        np.testing.assert_allclose(upscale_in_tiles(lambda tile: tile, image, 1, tiling), image, rtol=1e-6)

    @given(width=st.integers(1, 300), height=st.integers(1, 300), multiple=st.sampled_from([2, 3, 8, 64]))
    def test_all_tiles_of_a_model_for_multiples_are_multiples(self, width: int, height: int, multiple: int) -> None:
        model = replace(catalogue.find("identity", np.float32), stride=multiple, size_multiple=multiple)
        for tiling in model_tilings(model, width, height):
            assert (tiling.tile_width % multiple, tiling.tile_height % multiple) == (0, 0)
            image = map_of(tiling)
            np.testing.assert_allclose(upscale_in_tiles(lambda tile: tile, image, 1, tiling), image, rtol=1e-6)

    def test_a_frame_smaller_than_a_tile_is_continued_by_its_mirror_image(self) -> None:
        tiling = Tiling(3, 1, 8, 2)
        seen: list[Pixels] = []

        def run(tile: Pixels) -> Pixels:
            seen.append(tile)
            return enlarged(tile, 2)

        image = np.array([[[1, 2, 3]]], np.float32)
        np.testing.assert_array_equal(upscale_in_tiles(run, image, 2, tiling), enlarged(image, 2))
        np.testing.assert_array_equal(seen[0][0, 0], [[1, 2, 3, 2, 1, 2, 3, 2]] * 2)
