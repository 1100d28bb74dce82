"""Line plots as SVG."""

import math
import xml.etree.ElementTree as ElementTree

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pipeline.diagnostics.comparison.plot import Line, plot

VALUES = st.none() | st.floats(-1e6, 1e6) | st.just(math.inf)
POINTS = st.lists(st.tuples(st.integers(0, 10**6), VALUES), max_size=30, unique_by=lambda point: point[0]).map(
    lambda points: [(tick / 1000, value) for tick, value in sorted(points)]
)


def corners(svg: str) -> list[list[tuple[float, float]]]:
    """The corners of each line."""
    lines = [element for element in ElementTree.fromstring(svg) if element.tag == "polyline"]
    return [
        [(float(x), float(y)) for x, y in (at.split(",") for at in line.get("points", "").split())] for line in lines
    ]


def test_a_line_goes_from_left_to_right_and_up_with_its_values() -> None:
    ((first, middle, last),) = corners(plot("PSNR", [Line("a", 0, [(0, 30), (1, 31), (4, 32)])]))
    assert first[0] < middle[0] < last[0]
    assert first[1] > middle[1] > last[1]
    assert (middle[0] - first[0]) * 3 == pytest.approx(last[0] - middle[0], abs=0.5)


def test_a_value_that_is_missing_or_infinite_leaves_a_gap() -> None:
    svg = plot("PSNR", [Line("a", 0, [(0, 30), (1, 31), (2, None), (3, 33), (4, math.inf), (5, 35), (6, 36)])])
    assert [len(line) for line in corners(svg)] == [2, 2]
    assert svg.count("<circle") == 1


def test_names_can_not_become_markup() -> None:
    svg = plot("<b>", [Line("<script>", 1, [(0, 1), (1, 2)])])
    assert [element.text for element in ElementTree.fromstring(svg).iter("title")] == ["<script>"]


def test_without_a_finite_value_there_is_no_plot() -> None:
    assert plot("PSNR", [Line("a", 0, [(0, math.inf), (1, None)]), Line("b", 1, [])]) == ""


def test_long_lines_are_averaged() -> None:
    svg = plot("SSIM", [Line("a", 0, [(index / 25, index % 2) for index in range(50_000)])])
    ((*line,),) = corners(svg)
    assert len(line) <= 800
    assert len(svg) < 20_000


@given(st.lists(POINTS, max_size=4))
def test_every_plot_is_well_formed_and_inside_its_frame(lines: list[list[tuple[float, float | None]]]) -> None:
    svg = plot("quantity", [Line(str(number), number, points) for number, points in enumerate(lines)])
    if svg:
        assert all(0 <= x <= 520 and 0 <= y <= 190 for line in corners(svg) for x, y in line)
