"""Samples that do not match their tags are found, whatever noise the codec adds."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.colour.convert import from_rgb
from pipeline.frame import PIXEL_FORMATS, Colour, FrameFormat
from pipeline.verification.colour_check import ColourComparison, find_colour_fault
from pipeline.verification.frame_signature import Grid, Signature, compute_signature
from tests.verification.plants import scene

TAGGED = FrameFormat(96, 64, PIXEL_FORMATS["yuv444p"], Colour(1, False))
GRID = Grid.of_size(96, 64)


def signature(index: int, coded: Colour, tint: float = 0.0) -> Signature:
    """The signature of a scene that is coded as `coded` and decoded as `TAGGED`."""
    rgb = np.clip(scene(index) + np.array([tint, 0, 0])[:, None, None], 0, 1)
    format = replace(TAGGED, colour=coded)
    planes = format.split(np.empty(format.bytes, np.uint8))
    from_rgb(rgb, format, planes)
    return compute_signature(planes, TAGGED, GRID)


def compare(coded: Colour, tint: float = 0.0) -> str:
    comparison = ColourComparison()
    for index in range(4):
        comparison.add(signature(index, TAGGED.colour), signature(index, coded, tint))
    return find_colour_fault(comparison, TAGGED)


def test_samples_that_match_their_tags_have_no_fault() -> None:
    assert compare(TAGGED.colour) == ""


@pytest.mark.parametrize(
    ("coded", "name"),
    [(Colour(6, False), "smpte170m, limited range"), (Colour(1, True), "bt709, full range")],
)
def test_another_matrix_or_range_is_named(coded: Colour, name: str) -> None:
    message = compare(coded)
    assert message.startswith("the samples do not match their tags (bt709, limited range)")
    assert message.endswith(f"if interpreted as {name}")


def test_a_tint_is_reported_by_channel() -> None:
    assert compare(TAGGED.colour, tint=0.05).startswith("the colours are off by more than 3 of 255 on average: red +")


def test_frames_of_other_content_are_ignored() -> None:
    comparison = ColourComparison()
    comparison.add(np.zeros((3, 27, 48), np.float32), np.full((3, 27, 48), 255, np.float32))
    assert find_colour_fault(comparison, TAGGED) == ""
