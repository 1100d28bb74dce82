"""The page over real HTTP: its answers, and its end."""

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
    """A client of a page that needs no token."""
    with (
        serve(StandIn(stream("yard"), stream("gate")), "127.0.0.1:0") as page,
        httpx.Client(base_url=page.url, timeout=20) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def protected_url() -> Iterator[str]:
    """The address of a page that needs TOKEN."""
    with serve(StandIn(stream("yard")), "127.0.0.1:0", TOKEN) as page:
        yield page.url


@pytest.fixture
def protected(protected_url: str) -> Iterator[httpx.Client]:
    """A client of a page that needs a token, which it does not have."""
    with httpx.Client(base_url=protected_url, timeout=20) as client:
        yield client


def test_the_page_loads_nothing_from_other_hosts(client: httpx.Client) -> None:
    for path, kind in (("/", "text/html"), ("/watch.js", "text/javascript"), ("/watch.css", "text/css")):
        answer = client.get(path)
        assert answer.headers["Content-Type"].startswith(kind)
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_figures_are_those_of_the_streams(page: Page, live: StandIn) -> None:
    assert httpx.get(f"{page.url}figures").json() == live.figures().model_dump(mode="json")


def test_metrics_have_the_content_type_of_prometheus(client: httpx.Client) -> None:
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert 'uprez_stream_up{stream="gate"} 1.0' in answer.text


def test_health_is_bad_if_one_stream_is_not_live(page: Page, live: StandIn) -> None:
    assert httpx.get(f"{page.url}healthz").status_code == 200
    live.streams = (stream("yard"), stream("gate", status="waiting", reason="refused"))
    answer = httpx.get(f"{page.url}healthz")
    assert answer.status_code == 503
    expected = [{"name": "yard", "status": "live"}, {"name": "gate", "status": "waiting"}]
    assert answer.json() == {"live": False, "streams": expected}


def test_a_pair_is_sent_as_soon_as_there_is_one(page: Page, live: StandIn) -> None:
    answers: list[httpx.Response] = []
    url = f"{page.url}streams/1/pair?after=0"
    requesting = threading.Thread(target=lambda: answers.append(httpx.get(url, timeout=20)), name="uprez-requesting")
    requesting.start()
    until(lambda: live.taps["gate"].wanted)
    live.show("gate", pts=1)
    requesting.join()
    header, (before, after) = read(answers[0].content)
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


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "[::2]:80"])
def test_another_host_name_is_refused_without_a_token(client: httpx.Client, host: str) -> None:
    assert client.get("/figures", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:1"])
def test_loopback_host_names_are_accepted(client: httpx.Client, host: str) -> None:
    assert client.get("/figures", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/watch.js", "/figures", "/metrics", "/healthz", "/streams/0/pair", "/no"])
def test_requests_without_the_token_are_refused(protected: httpx.Client, path: str) -> None:
    for authorization in (None, b"Bearer wrong", f"Basic {TOKEN}".encode()):
        answer = protected.get(path, headers={b"Authorization": authorization} if authorization else None)
        assert answer.status_code == 401
        assert "Set-Cookie" not in answer.headers
        assert TOKEN not in answer.text


def test_a_token_in_the_authorization_header_is_accepted(protected: httpx.Client) -> None:
    assert protected.get("/metrics", headers={b"Authorization": b"Bearer " + TOKEN.encode()}).status_code == 200


def test_a_token_in_the_address_is_exchanged_for_a_cookie(protected: httpx.Client) -> None:
    answer = protected.get("/", params={"token": TOKEN})
    assert answer.status_code == 200
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Strict" in answer.headers["Set-Cookie"]
    assert protected.get("/figures").status_code == 200
    protected.cookies.clear()
    assert protected.get("/figures").status_code == 401


def test_a_token_is_generated_for_addresses_other_machines_can_reach(live: StandIn) -> None:
    with serve(live, "127.0.0.1:0") as page:
        assert page.token is None
    with serve(live, "0.0.0.0:0") as page:
        assert page.token is not None
        assert len(page.token) >= 20
        address = f"http://127.0.0.1:{httpx.URL(page.url).port}/figures"
        assert httpx.get(address).status_code == 401
        assert httpx.get(address, params={"token": page.token}).status_code == 200


def test_a_port_in_use_is_an_error(live: StandIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(SettingsError, match=f"`page` {where}: .*in use; give an address"):
            serve(live, where)


def test_the_error_without_uvicorn_names_how_to_install_it(live: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without(name: str, *args: Any, **named: Any) -> Any:
        if name == "uvicorn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return load(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError, match=r'uvicorn, which is not installed: pip install "uprez\[page\]"'):
        serve(live, "127.0.0.1:0")


def test_a_page_ends_while_requests_wait_for_frames(live: StandIn) -> None:
    answers: list[int] = []
    page = serve(live, "127.0.0.1:0")
    url = f"{page.url}streams/0/pair"
    requesting = threading.Thread(
        target=lambda: answers.append(httpx.get(url, timeout=20).status_code), name="uprez-requesting"
    )
    requesting.start()
    until(lambda: live.taps["yard"].wanted)
    page.close()
    requesting.join()
    assert answers == [204]
    with pytest.raises(httpx.ConnectError):
        httpx.get(page.url)


def test_a_page_can_be_closed_before_any_request(live: StandIn) -> None:
    serve(live, "127.0.0.1:0").close()
