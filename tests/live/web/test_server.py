"""The page over real HTTP: what it answers, to whom, and that it ends."""

from __future__ import annotations

import builtins
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pipeline.errors import SettingsError
from pipeline.live.web import Page, serve
from tests.live.web.stand_in import StandIn, stream
from tests.live.web.test_jpeg import read
from tests.waiting import until

TOKEN = "for your eyes; only ✓"


@pytest.fixture
def live() -> StandIn:
    return StandIn(stream("yard"), stream("gate"))


@pytest.fixture
def page(live: StandIn) -> Iterator[Page]:
    with serve(live, "127.0.0.1:0") as page:
        yield page


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Of a page that asks for no token."""
    with (
        serve(StandIn(stream("yard"), stream("gate")), "127.0.0.1:0") as page,
        httpx.Client(base_url=page.url, timeout=20) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def closed_url() -> Iterator[str]:
    """The address of a page that asks for TOKEN."""
    with serve(StandIn(stream("yard")), "127.0.0.1:0", TOKEN) as page:
        yield page.url


@pytest.fixture
def closed(closed_url: str) -> Iterator[httpx.Client]:
    """A client that does not know the token."""
    with httpx.Client(base_url=closed_url, timeout=20) as client:
        yield client


def test_the_page_needs_nothing_from_elsewhere(client: httpx.Client) -> None:
    for path, kind in (("/", "text/html"), ("/watch.js", "text/javascript"), ("/watch.css", "text/css")):
        answer = client.get(path)
        assert answer.headers["Content-Type"].startswith(kind)
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_figures_are_those_of_the_streams(page: Page, live: StandIn) -> None:
    assert httpx.get(f"{page.url}figures").json() == live.figures().model_dump(mode="json")


def test_metrics_are_told_in_prometheus_own_format(client: httpx.Client) -> None:
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert 'uprez_stream_up{stream="gate"} 1.0' in answer.text


def test_health_is_that_of_the_worst_stream(page: Page, live: StandIn) -> None:
    assert httpx.get(f"{page.url}healthz").status_code == 200
    live.streams = (stream("yard"), stream("gate", status="waiting", reason="refused"))
    answer = httpx.get(f"{page.url}healthz")
    assert answer.status_code == 503
    expected = [{"name": "yard", "status": "live"}, {"name": "gate", "status": "waiting"}]
    assert answer.json() == {"live": False, "streams": expected}


def test_pictures_come_as_soon_as_there_are_any(page: Page, live: StandIn) -> None:
    answers: list[httpx.Response] = []
    url = f"{page.url}streams/1/pair?after=0"
    looker = threading.Thread(target=lambda: answers.append(httpx.get(url, timeout=20)), name="uprez-looker")
    looker.start()
    until(lambda: live.taps["gate"].wanted)
    live.show("gate", pts=1)
    looker.join()
    head, (before, after) = read(answers[0].content)
    assert head["number"] == 1
    assert before.shape == (90, 160, 3)
    assert after.shape == (180, 320, 3)
    assert not live.taps["yard"].wanted


def test_no_picture_for_a_while_is_no_error(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.live.web.app._POLL_SECONDS", 0.01)
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
def test_what_is_not_there_is_refused(client: httpx.Client, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_nothing_can_be_done_through_the_page(client: httpx.Client) -> None:
    assert {client.request(method, "/figures").status_code for method in ("POST", "PUT", "DELETE", "OPTIONS")} == {405}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "[::2]:80"])
def test_a_foreign_name_that_leads_here_is_refused(client: httpx.Client, host: str) -> None:
    assert client.get("/figures", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:1"])
def test_this_machine_s_own_names_are_known(client: httpx.Client, host: str) -> None:
    assert client.get("/figures", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/watch.js", "/figures", "/metrics", "/healthz", "/streams/0/pair", "/no"])
def test_nothing_is_told_without_the_token(closed: httpx.Client, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}".encode()}):
        answer = closed.get(path, headers=headers)
        assert answer.status_code == 401
        assert "Set-Cookie" not in answer.headers
        assert TOKEN not in answer.text


def test_programs_bring_the_token_in_a_header(closed: httpx.Client) -> None:
    assert closed.get("/metrics", headers={"Authorization": b"Bearer " + TOKEN.encode()}).status_code == 200


def test_browsers_bring_the_token_once_and_keep_a_cookie(closed: httpx.Client) -> None:
    answer = closed.get("/", params={"token": TOKEN})
    assert answer.status_code == 200
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Strict" in answer.headers["Set-Cookie"]
    assert closed.get("/figures").status_code == 200
    closed.cookies.clear()
    assert closed.get("/figures").status_code == 401


def test_only_other_machines_need_a_token_which_is_made(live: StandIn) -> None:
    with serve(live, "127.0.0.1:0") as page:
        assert page.token is None
    with serve(live, "0.0.0.0:0") as page:
        assert page.token is not None
        assert len(page.token) >= 20
        address = f"http://127.0.0.1:{httpx.URL(page.url).port}/figures"
        assert httpx.get(address).status_code == 401
        assert httpx.get(address, params={"token": page.token}).status_code == 200


def test_a_port_that_is_taken_is_told(live: StandIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(SettingsError, match=f"`page` {where}: .*in use; give an address"):
            serve(live, where)


def test_a_missing_package_is_told_with_its_command(live: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without(name: str, *args: Any, **named: Any) -> Any:
        if name == "uvicorn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return load(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError, match=r'uvicorn, which is not installed: pip install "uprez\[page\]"'):
        serve(live, "127.0.0.1:0")


def test_a_page_ends_while_others_still_wait_for_pictures(live: StandIn) -> None:
    answers: list[int] = []
    page = serve(live, "127.0.0.1:0")
    url = f"{page.url}streams/0/pair"
    looker = threading.Thread(
        target=lambda: answers.append(httpx.get(url, timeout=20).status_code), name="uprez-looker"
    )
    looker.start()
    until(lambda: live.taps["yard"].wanted)
    page.close()
    looker.join()
    assert answers == [204]
    with pytest.raises(httpx.ConnectError):
        httpx.get(page.url)


def test_a_page_can_be_closed_before_anybody_came(live: StandIn) -> None:
    serve(live, "127.0.0.1:0").close()
