"""The endpoints of the page, over real HTTP."""

from __future__ import annotations

import httpx
import pytest

from pipeline.live.web import Page
from tests.live.web.stand_in import StandIn, stream
from tests.live.web.test_jpeg import read
from tests.waiting import DEADLINE, in_thread, joined, until


def test_the_page_loads_nothing_from_other_hosts(client: httpx.Client) -> None:
    for path, kind in (("/", "text/html"), ("/watch.js", "text/javascript"), ("/watch.css", "text/css")):
        answer = client.get(path)
        assert answer.headers["Content-Type"].startswith(kind)
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_figures_are_those_of_the_streams(page: Page, live: StandIn) -> None:
    assert httpx.get(f"{page.url}figures", timeout=DEADLINE).json() == live.figures().model_dump(mode="json")


def test_metrics_have_the_content_type_of_prometheus(client: httpx.Client) -> None:
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert 'uprez_stream_up{stream="gate"} 1.0' in answer.text


def test_health_is_bad_if_one_stream_is_not_live(page: Page, live: StandIn) -> None:
    assert httpx.get(f"{page.url}healthz", timeout=DEADLINE).status_code == 200
    live.streams = (stream("yard"), stream("gate", status="waiting", reason="refused"))
    answer = httpx.get(f"{page.url}healthz", timeout=DEADLINE)
    assert answer.status_code == 503
    expected = [{"name": "yard", "status": "live"}, {"name": "gate", "status": "waiting"}]
    assert answer.json() == {"live": False, "streams": expected}


def test_a_pair_is_sent_as_soon_as_there_is_one(page: Page, live: StandIn) -> None:
    requesting, answers = in_thread(lambda: httpx.get(f"{page.url}streams/1/pair?after=0", timeout=DEADLINE).content)
    until(lambda: live.taps["gate"].wanted)
    live.show("gate", pts=1)
    joined(requesting)
    (content,) = answers
    assert isinstance(content, bytes)
    header, (before, after) = read(content)
    assert header["number"] == 1
    assert before.shape == (90, 160, 3)
    assert after.shape == (180, 320, 3)
    assert not live.taps["yard"].wanted


def test_a_request_without_frames_is_answered_with_204(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.live.web.app.POLL_SECONDS", 0.01)
    assert client.get("/streams/0/pair").status_code == 204


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/streams/2/pair", 404),
        ("/streams/yard/pair", 404),
        (f"/streams/{'9' * 5000}/pair", 404),
        ("/streams/0/pair?after=-1", 400),
        ("/streams/0/pair?after=²", 400),
        ("/%2e%2e/pyproject.toml", 404),
        ("/watch.html", 404),
    ],
)
def test_unknown_paths_and_invalid_numbers_are_refused(client: httpx.Client, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_only_get_is_allowed(client: httpx.Client) -> None:
    assert {client.request(method, "/figures").status_code for method in ("POST", "PUT", "DELETE", "OPTIONS")} == {405}
