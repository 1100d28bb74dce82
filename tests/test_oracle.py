"""Can what judges the corpus be trusted: does it read what was drawn, and see what is wrong?"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.cases import chart, colours, error, pattern, samples, seen, seen_colours, shapes, truth
from tests.cases.case import Case


@pytest.mark.parametrize("size", [pattern.SIZE, (97, 65), (192, 128), (4096, 16), (16, 4096)])
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_frame_tells_its_number_at_any_size(size: tuple[int, int], scale: int) -> None:
    for number in range(0, pattern.NUMBERS, 37):
        drawn = pattern.picture(number, size, textured=True)
        assert pattern.number_of(drawn.repeat(scale, 0).repeat(scale, 1)) == number
        assert (pattern.bars_of(drawn) == pattern.BARS).all()


def test_a_frame_that_is_damaged_tells_no_number() -> None:
    assert pattern.number_of(np.full((64, 96, 3), 128)) is None


WRONG = [{"matrix": 6}, {"full": True}, {"siting": "center"}, {"siting": "topleft"}]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize("pixel", ["yuv420p", "yuv420p10le"])
def test_the_model_sees_what_is_misread_or_mistold(pixel: str, wrong: dict[str, Any]) -> None:
    right, misread = colours.BT709, replace(colours.BT709, **wrong)
    frame = chart.frame(7, pattern.SIZE, pixel, right)
    given = seen_colours.Picture(samples.layout(pixel), right, tuple(samples.planes(frame)), (), "")
    assert error.apart(given, _remade(given, right, right)) == 0
    assert error.apart(given, _remade(given, misread, misread)) > 2
    assert error.apart(given, _remade(given, right, misread)) > 2


def _remade(given: seen_colours.Picture, read: samples.Tags, told: samples.Tags) -> seen_colours.Picture:
    """What a tool makes of a picture that takes its samples for one thing, and tells another."""
    rgb = truth.rgb(given.planes, given.layout, read)
    made = samples.filled(given.layout.name, truth.coded(rgb, given.layout, read))
    return replace(given, planes=tuple(samples.planes(made)), tags=told)


@pytest.mark.parametrize("pixel", ["yuv444p16le", "gbrp16le", "rgb48be", "gbrap16le", "gray16le"])
def test_the_model_gives_back_what_it_coded(pixel: str) -> None:
    drawn, layout = chart.chart(7), samples.layout(pixel)
    planes = samples.planes(samples.filled(pixel, [*truth.coded(drawn, layout, colours.BT709), *_opaque(layout)]))
    wanted = drawn if layout.kinds != "Y" else np.tensordot([0.2126, 0.7152, 0.0722], drawn, 1)[None]
    assert np.abs(truth.rgb(tuple(planes), layout, colours.BT709) - wanted).max() < 3e-5


def _opaque(layout: samples.Layout) -> list[Any]:
    return [chart.opacity() * layout.highest] if layout.alpha else []


@pytest.mark.parametrize("case", shapes.TURNED, ids=lambda case: case.name)
def test_a_film_that_is_shown_turned_is_not_coded_upright(case: Case, tmp_path: Path) -> None:
    case.make(tmp_path)
    with av.open(str(tmp_path / case.name)) as container:
        frame = next(container.decode(video=0))
    coded = frame.reformat(format="rgb24").to_ndarray()
    assert pattern.number_of(samples.turned(coded.transpose(2, 0, 1), seen.turn(frame)).transpose(1, 2, 0)) == 0
    assert pattern.number_of(coded) != 0 or coded.shape[0] > coded.shape[1]


def test_enlarged_ramps_go_on_evenly() -> None:
    ramp = np.tile(np.arange(9.0), (7, 1))
    enlarged = truth.enlarged(ramp, 2)
    assert enlarged.shape == (14, 18)
    assert np.allclose(np.diff(enlarged, axis=1)[:, 4:-4], 0.5)
