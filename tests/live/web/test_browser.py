"""The page in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.live.preview import Tap
from pipeline.live.web import serve
from tests.live.web.browser import Browser
from tests.live.web.stand_in import StandIn, stream
from tests.servers import requires
from tests.waiting import until

pytestmark = requires("chromium")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def live() -> Iterator[StandIn]:
    """Two running streams, red before and blue after upscaling."""
    live, ending = StandIn(stream("yard"), stream("gate")), threading.Event()

    def run() -> None:
        pts = 0
        while not ending.wait(0.02):
            pts += 1
            for name in live.taps:
                live.show(name, pts)

    thread = threading.Thread(target=run, name="uprez-test")
    thread.start()
    yield live
    ending.set()
    thread.join()


def screen(browser: Browser) -> Any:
    """The page: (H, W, 3), BGR."""
    return cv2.imdecode(np.frombuffer(browser.screenshot(), np.uint8), cv2.IMREAD_COLOR)


def colour(browser: Browser, x: float) -> str:
    """The colour in the first stream's frame, at that fraction of its width."""
    left, top = browser.point_in(".stage", x, 0.3)
    blue, _, red = screen(browser)[int(top), int(left)]
    return "red" if red > 200 > blue else "blue" if blue > 200 > red else "another"


def test_the_slider_moves_the_divider_between_before_and_after(browser: Browser, live: StandIn) -> None:
    with serve(live, "127.0.0.1:0") as page:
        browser.open(page.url)
        until(lambda: browser.value("streams[0]?.newest > 0") is True)
        until(lambda: colour(browser, 0.25) == "red")
        assert colour(browser, 0.75) == "blue"
        browser.drag(browser.point_in(".stage"), browser.point_in(".stage", 0.9))
        until(lambda: colour(browser, 0.75) == "red")
        for _ in range(200):
            browser.press("ArrowLeft", 37)
        until(lambda: colour(browser, 0.05) == "blue")


def test_frames_and_figures_are_updated(browser: Browser, live: StandIn) -> None:
    with serve(live, "127.0.0.1:0") as page:
        browser.open(page.url)
        until(lambda: browser.value("streams.length === 2 && streams.every(each => each.newest > 3)") is True)
        assert "live for 12:34" in browser.text(".status")
        assert "24.9" in browser.text("dl")
        assert "7 too slow, 2 catching up" in browser.text("dl")
        assert "320" in browser.text(".right")
        assert "42 %" in browser.text("#machine")


def test_a_disconnected_stream_shows_the_reason_until_it_is_live(browser: Browser, live: StandIn) -> None:
    with serve(live, "127.0.0.1:0") as page:
        browser.open(page.url)
        live.streams = (stream("yard", status="waiting", reason="the server refuses", seconds=12.0), live.streams[1])
        until(lambda: "the server refuses" in browser.text(".message"))
        assert "disconnected since" in browser.text(".message")
        live.streams = (stream("yard"), live.streams[1])
        until(lambda: browser.text(".message") == "")


def test_messages_of_servers_are_shown_as_text_not_markup(browser: Browser, live: StandIn) -> None:
    with serve(live, "127.0.0.1:0") as page:
        evil = "<img src=x onerror=document.title='evil'>"
        live.streams = (stream("yard", status="waiting", reason=evil, notes=(evil,)), live.streams[1])
        browser.open(page.url)
        until(lambda: evil in browser.text(".message"))
        assert browser.value("document.images.length") == 0


def test_a_page_reports_a_process_that_ended_and_continues_with_the_next(browser: Browser, live: StandIn) -> None:
    with serve(live, "127.0.0.1:0") as page:
        where = page.url.removeprefix("http://").rstrip("/")
        browser.open(page.url)
        until(lambda: browser.value("streams[0]?.newest > 0") is True)
    until(lambda: "Retrying" in browser.text("#disconnected"))
    live.taps = {name: Tap() for name in live.taps}  # another process counts from 1
    with serve(live, where):
        until(lambda: browser.value("document.querySelector('#disconnected').hidden && streams[0].newest > 0") is True)


def test_the_form_opens_the_page_for_the_right_token_only(browser: Browser, live: StandIn) -> None:
    with serve(live, "127.0.0.1:0", "a long secret") as page:
        browser.open(page.url)
        submit(browser, "a wrong secret")
        assert browser.value("typeof streams") == "undefined"
        submit(browser, "a long secret")
        until(lambda: browser.value("typeof streams != 'undefined' && streams[0]?.newest > 0") is True)
        assert browser.value("location.href") == page.url


def submit(browser: Browser, token: str) -> None:
    """Send the form with a token, and wait until the answer is loaded."""
    browser.value("window.isOld = true")
    browser.value(f"document.querySelector('input').value = {token!r}; document.querySelector('form').submit()")
    until(lambda: browser.value("!window.isOld && document.readyState == 'complete'") is True)


def test_the_token_is_moved_from_the_address_into_a_cookie(browser: Browser, live: StandIn, tmp_path: Path) -> None:
    with serve(live, "127.0.0.1:0", "a long secret") as page:
        browser.open(page.url)
        assert "Token" in browser.text("form label")
        browser.open(f"{page.url}?token=a%20long%20secret")
        until(lambda: browser.value("streams[0]?.newest > 0") is True)
        assert browser.value("location.href") == page.url
        assert browser.value("document.cookie") == ""
        browser.open(page.url)
        until(lambda: browser.value("streams[0]?.newest > 0") is True)
