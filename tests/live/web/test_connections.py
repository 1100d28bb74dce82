"""Connections that send nothing take no descriptors from the streams, and do not hide the page."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from pipeline.live.web import serve
from pipeline.live.web.server import Page
from tests.live.web.stand_in import StandIn
from tests.waiting import DEADLINE


@pytest.fixture
def page(live: StandIn) -> Iterator[Page]:
    with serve(live, "127.0.0.1:0") as served:
        yield served


def connect(page: Page) -> socket.socket:
    url = httpx.URL(page.url)
    assert url.port
    return socket.create_connection((url.host, url.port), timeout=DEADLINE)


def test_many_idle_connections_do_not_hide_the_page_and_the_oldest_are_closed(page: Page) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(connect(page)) for _ in range(100)]
        assert httpx.get(f"{page.url}healthz", timeout=DEADLINE).status_code in (200, 503)
        assert idle[0].recv(1) == b""
        idle[-1].settimeout(0.05)
        with pytest.raises(TimeoutError):
            idle[-1].recv(1)


def test_a_head_that_does_not_arrive_in_time_ends_the_connection(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.live.web.connections.HEAD_SECONDS", 0.05)
    with connect(page) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        assert slow.recv(1) == b""


def test_a_request_that_takes_longer_than_a_head_may_is_answered(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.live.web.connections.HEAD_SECONDS", 0.05)
    monkeypatch.setattr("pipeline.live.web.app.POLL_SECONDS", 0.3)
    assert httpx.get(f"{page.url}streams/0/pair", timeout=DEADLINE).status_code == 204


def test_if_all_connections_are_at_work_a_further_one_is_closed(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.live.web.connections.MAX_CONNECTIONS", 1)
    monkeypatch.setattr("pipeline.live.web.app.POLL_SECONDS", DEADLINE)
    with connect(page) as busy, connect(page) as other:
        busy.sendall(b"GET /streams/0/pair HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert other.recv(1) == b"" or busy.recv(1) == b""  # by which of them the server came to know first
