"""Access to the page, with and without a token."""

from __future__ import annotations

import httpx
import pytest

from tests.live.web.conftest import TOKEN


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


class TestLogin:
    """A browser without a token is shown a form, which it posts."""

    def test_a_browser_gets_the_form_and_a_program_a_line(self, protected: httpx.Client) -> None:
        form = protected.get("/", headers={"Accept": "text/html"})
        assert (form.status_code, "<form" in form.text) == (401, True)
        assert protected.get("/").text.startswith("a token is required")

    def test_the_posted_token_sets_the_cookie_and_is_not_in_the_address(self, protected: httpx.Client) -> None:
        answer = protected.post("/", data={"token": TOKEN})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert protected.get("/figures").status_code == 200

    @pytest.mark.parametrize("body", [b"", b"token=wrong", b"token=" + b"x" * 5000])
    def test_a_wrong_form_is_refused(self, protected: httpx.Client, body: bytes) -> None:
        assert protected.post("/", content=body).status_code == 401
        assert protected.get("/figures").status_code == 401
