"""The code that judges the corpus reads what was drawn, and finds what is wrong."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.cases import chart, colours, pattern, probe, probe_colours, reference, sample_error, samples, shapes
from tests.cases.case import Case


@pytest.mark.parametrize("size", [pattern.SIZE, (97, 65), (192, 128), (4096, 16), (16, 4096)])
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_number_of_a_frame_is_read_at_any_size(size: tuple[int, int], scale: int) -> None:
    for number in range(0, pattern.NUMBERS, 37):
        image = pattern.draw(number, size, textured=True)
        assert pattern.read_number(image.repeat(scale, 0).repeat(scale, 1)) == number
        assert (pattern.read_bars(image) == pattern.BARS).all()


def test_damaged_frame_has_no_number() -> None:
    assert pattern.read_number(np.full((64, 96, 3), 128)) is None


WRONG = [{"matrix": 6}, {"full": True}, {"siting": "center"}, {"siting": "topleft"}]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize("pixel", ["yuv420p", "yuv420p10le"])
def test_model_finds_misread_samples_and_wrong_tags(pixel: str, wrong: dict[str, Any]) -> None:
    right, misread = colours.BT709, replace(colours.BT709, **wrong)
    frame = chart.frame(7, pattern.SIZE, pixel, right)
    source = probe_colours.FrameSamples(samples.layout(pixel), right, tuple(samples.planes(frame)), (), "")
    assert _error(source, right, right) == 0
    assert _error(source, misread, misread) > 2
    assert _error(source, right, misread) > 2


def _error(source: probe_colours.FrameSamples, read: samples.Tags, written: samples.Tags) -> float:
    """The error of a frame that was decoded with the tags `read` and encoded and tagged with `written`."""
    rgb = reference.decode_rgb(source.planes, source.layout, read)
    frame = samples.make_frame(source.layout.name, reference.encode_rgb(rgb, source.layout, read))
    error = sample_error.frame_error(source, replace(source, planes=tuple(samples.planes(frame)), tags=written))
    assert error is not None
    return error


@pytest.mark.parametrize("pixel", ["yuv444p16le", "gbrp16le", "rgb48be", "gbrap16le", "gray16le"])
def test_model_decodes_what_it_encoded(pixel: str) -> None:
    rgb, layout = chart.draw(7), samples.layout(pixel)
    encoded = [*reference.encode_rgb(rgb, layout, colours.BT709), *_alpha(layout)]
    planes = samples.planes(samples.make_frame(pixel, encoded))
    expected = rgb if layout.kinds != "Y" else np.tensordot([0.2126, 0.7152, 0.0722], rgb, 1)[None]
    assert np.abs(reference.decode_rgb(tuple(planes), layout, colours.BT709) - expected).max() < 3e-5


def _alpha(layout: samples.Layout) -> list[Any]:
    return [chart.opacity() * layout.highest] if layout.alpha else []


@pytest.mark.parametrize("case", shapes.ROTATED, ids=lambda case: case.name)
def test_rotated_film_is_not_stored_upright(case: Case, tmp_path: Path) -> None:
    case.make(tmp_path)
    with av.open(str(tmp_path / case.name)) as container:
        frame = next(container.decode(video=0))
    stored = frame.reformat(format="rgb24").to_ndarray()
    upright = samples.rotate(stored.transpose(2, 0, 1), probe.display_matrix(frame)).transpose(1, 2, 0)
    assert pattern.read_number(upright) == 0
    assert pattern.read_number(stored) != 0 or stored.shape[0] > stored.shape[1]


def test_enlarged_ramp_is_linear() -> None:
    ramp = np.tile(np.arange(9.0), (7, 1))
    enlarged = reference.enlarge(ramp, 2)
    assert enlarged.shape == (14, 18)
    assert np.allclose(np.diff(enlarged, axis=1)[:, 4:-4], 0.5)
