"""The page in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.diagnostics.comparison.comparison import Comparison
from pipeline.diagnostics.comparison.page import comparison_page
from pipeline.diagnostics.comparison.report import ComparisonReport, ComparisonRow, FrameQuality
from pipeline.diagnostics.host_facts import host_facts
from tests.live.web.browser import Browser
from tests.servers import requires
from tests.waiting import until

pytestmark = requires("chromium")

COLOURS = {"red": (250, 0, 0), "green": (0, 250, 0), "blue": (0, 0, 250)}
EVIL = "<img src=x onerror=document.title='evil'>"
SIZE = (160, 90)


def painted(colour: str, frame: int) -> Any:
    """An image of a colour, darker in each frame, with a white pixel in its middle."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    image[:] = np.array(COLOURS[colour]) - 40 * frame * (np.array(COLOURS[colour]) > 0)
    image[SIZE[1] // 2, SIZE[0] // 2] = 255
    return image


def row(name: str, **facts: Any) -> ComparisonRow:
    frames = [FrameQuality(index=index, time=index / 25, psnr=30 + index, ssim=0.9, flicker=0.5) for index in range(3)]
    return ComparisonRow(
        name=name, kind="model", size="160x90", scale=2, psnr=31, ssim=0.9, flicker=0.5, frames=frames, **facts
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos of three frames, red, green and blue; blue has no frame 1. And a model that failed."""
    rows = [
        row("red", rate=10.0),
        row("green", rate=25.0),
        row("blue"),
        ComparisonRow(name=EVIL, kind="model", failure=EVIL),
    ]
    report = ComparisonReport(
        **host_facts().model_dump(),
        source=EVIL,
        size="160x90",
        times=[0, 0.04, 0.08],
        shown=[0, 1, 2],
        notes=[EVIL],
        rows=rows,
    )
    images = tuple(
        {frame: painted(name, frame) for frame in range(3) if (name, frame) != ("blue", 1)} for name in COLOURS
    )
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_bytes(comparison_page(Comparison(report, (*images, {}), 1.0)))
    return path


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(tab: Browser, page: Path) -> Browser:
    """The page, newly loaded: red on the left, blue on the right."""
    tab.open(page.as_uri())
    until(lambda: tab.value("state.drawn") == "0,2,0")
    return tab


def pixel(browser: Browser, x: float, y: float = 0.3) -> tuple[int, int, int]:
    """The colour in the stage at these fractions of its width and height."""
    screen = cv2.imdecode(np.frombuffer(browser.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert screen is not None
    left, top = browser.point_in("#stage", x, y)
    blue, green, red = screen[int(top), int(left)].tolist()
    return red, green, blue


def name_of(browser: Browser, x: float) -> str:
    """The name of the colour there."""
    found = np.array(pixel(browser, x))
    return next((name for name, rgb in COLOURS.items() if ((found > 60) == (np.array(rgb) > 0)).all()), str(found))


def test_the_divider_is_dragged_and_moved_by_keys(browser: Browser) -> None:
    assert (name_of(browser, 0.25), name_of(browser, 0.75)) == ("red", "blue")
    browser.drag(browser.point_in("#stage"), browser.point_in("#stage", 0.9))
    until(lambda: name_of(browser, 0.75) == "red")
    browser.value("document.querySelector('#divider').focus()")
    browser.press("Home", 36)
    until(lambda: name_of(browser, 0.05) == "blue")
    browser.press("ArrowRight", 39)
    assert browser.value("document.querySelector('#divider').getAttribute('aria-valuenow')") == "1"
    assert browser.value("state.frame") == 0


def test_a_finger_moves_the_divider(browser: Browser) -> None:
    (x, y), (to, _) = browser.point_in("#stage", 0.5), browser.point_in("#stage", 0.2)
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    for step in range(1, 6):
        browser.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": x + (to - x) * step / 5, "y": y}])
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    until(lambda: name_of(browser, 0.3) == "blue")
    assert name_of(browser, 0.1) == "red"


def test_arrow_keys_step_through_the_frames_and_around_the_end(browser: Browser) -> None:
    assert pixel(browser, 0.25) == (250, 0, 0)
    browser.press("ArrowLeft", 37)
    until(lambda: browser.value("state.drawn") == "0,2,2")
    until(lambda: pixel(browser, 0.25) == (170, 0, 0))
    assert browser.text("#moment") == "3 of 3, 0.080 s"
    browser.press("ArrowRight", 39)
    until(lambda: browser.value("state.drawn") == "0,2,0")


def test_a_video_without_a_frame_at_a_time_says_so(browser: Browser) -> None:
    browser.press("ArrowRight", 39)
    until(lambda: browser.value("state.drawn") == "0,2,1")
    assert browser.text("#message") == "no frame at this time: blue"
    assert pixel(browser, 0.75) == (0, 0, 0)


def test_any_two_can_be_chosen_and_exchanged(browser: Browser) -> None:
    options = browser.value("[...document.querySelector('#left').options].map(each => each.text)")
    assert options == ["red", "green", "blue"]
    browser.value("(s => { s.value = 1; s.dispatchEvent(new Event('change')); })(document.querySelector('#left'))")
    until(lambda: name_of(browser, 0.25) == "green")
    browser.press("x", 88)
    until(lambda: browser.value("state.drawn") == "2,1,0")
    assert (browser.text(".left-label"), browser.text(".right-label")) == ("blue", "green")
    browser.press("1", 49)
    until(lambda: name_of(browser, 0.75) == "red")


def test_zoom_shows_pixels_and_can_be_panned(browser: Browser) -> None:
    browser.value("setZoom(16)")
    until(lambda: pixel(browser, 0.5 + 8 / 1200, 0.5 + 8 / 675) == (255, 255, 255))
    assert browser.value("getComputedStyle(document.querySelector('#before')).imageRendering") == "pixelated"
    before = browser.value("state.x")
    browser.drag(browser.point_in("#stage", 0.7, 0.8), browser.point_in("#stage", 0.6, 0.8))
    until(lambda: browser.value("state.x") > before)
    assert browser.value("state.split") == 0.5
    for _ in range(30):
        browser.drag(browser.point_in("#stage", 0.9, 0.8), browser.point_in("#stage", 0.6, 0.8))
    assert browser.value("state.x + stage.clientWidth / (2 * data.width * scale())") == pytest.approx(1)
    browser.press("0", 48)
    until(lambda: browser.value("state.zoom") is None)
    browser.press("+", 187)
    until(lambda: browser.value("state.zoom") in (8, 12))


def test_a_point_under_the_pointer_stays_there_when_zooming(browser: Browser) -> None:
    browser.value("setZoom(12, { x: stage.clientWidth / 4, y: stage.clientHeight / 4 })")
    assert browser.value("state.x - stage.clientWidth / 4 / (data.width * scale())") == pytest.approx(0.25)


def test_playing_shows_one_frame_after_the_other_until_it_is_stopped(browser: Browser) -> None:
    browser.press(" ", 32)
    until(lambda: browser.value("state.frame") == 2)
    assert browser.value("document.querySelector('#play').getAttribute('aria-pressed')") == "true"
    browser.press(" ", 32)
    assert browser.value("timer") is None


def test_figures_are_a_table_with_the_best_in_bold_and_those_of_the_frame(browser: Browser) -> None:
    browser.press("ArrowRight", 39)
    until(lambda: "frame: 31.00" in browser.text("#figures"))
    best = browser.value("[...document.querySelectorAll('#figures .best')].map(each => each.firstChild.textContent)")
    assert best == ["31.00", "0.9000", "0.500", "25.0", "31.00", "0.9000", "0.500", "31.00", "0.9000", "0.500"]
    assert browser.value("document.querySelectorAll('#figures thead th')[2].textContent") == "own size"


def test_plots_mark_the_frame_that_is_shown(browser: Browser) -> None:
    place = "document.querySelector('svg .now').getAttribute('x1')"
    assert browser.value(place) == "46"
    browser.press("ArrowLeft", 37)
    until(lambda: browser.value(place) == "510")


def test_names_and_reasons_are_shown_as_text_not_markup(browser: Browser) -> None:
    assert EVIL in browser.text(".failure")
    assert EVIL in browser.text("#notes")
    assert EVIL in browser.text("#facts")
    assert browser.value("document.images.length") == 0
    assert browser.value("document.title") == f"uprez compare: {EVIL}"


def test_samples_that_are_not_square_are_stretched(browser: Browser) -> None:
    browser.value("data.aspect = 2, setZoom(3)")
    assert browser.value("(m => m.a / m.d)(new DOMMatrix($('#before').style.transform))") == pytest.approx(2)


def test_the_page_fits_a_narrow_screen(browser: Browser) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=2, mobile=True)
    try:
        until(lambda: browser.value("document.querySelector('#stage').clientWidth < 390") is True)
        assert browser.value("document.documentElement.scrollWidth") <= 390
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")
