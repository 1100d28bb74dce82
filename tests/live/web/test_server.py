"""The server of the page: its address, its token, and its end."""

from __future__ import annotations

import builtins
import socket
from typing import Any

import httpx
import psutil
import pytest

from pipeline.errors import SettingsError
from pipeline.live.web import serve, server
from tests.live.web.stand_in import StandIn
from tests.waiting import DEADLINE, in_thread, joined, no_thread_from, until


def test_a_token_is_generated_for_addresses_other_machines_can_reach(live: StandIn) -> None:
    with serve(live, "127.0.0.1:0") as page:
        assert page.token is None
    with serve(live, "0.0.0.0:0") as page:
        assert page.token is not None
        assert len(page.token) >= 20
        address = f"http://127.0.0.1:{httpx.URL(page.url).port}/figures"
        assert httpx.get(address, timeout=DEADLINE).status_code == 401
        assert httpx.get(address, params={"token": page.token}, timeout=DEADLINE).status_code == 200


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


def test_a_page_ends_while_requests_wait_for_frames(live: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CLOSE_SECONDS", DEADLINE)
    page = serve(live, "127.0.0.1:0")
    requesting, answers = in_thread(lambda: httpx.get(f"{page.url}streams/0/pair", timeout=DEADLINE).status_code)
    until(lambda: live.taps["yard"].wanted)
    page.close()
    joined(requesting)
    assert answers == [204]
    with pytest.raises(httpx.ConnectError):
        httpx.get(page.url, timeout=DEADLINE)


def test_a_page_can_be_closed_before_any_request(live: StandIn) -> None:
    serve(live, "127.0.0.1:0").close()


def test_a_page_whose_thread_can_not_be_started_closes_its_port(live: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    before = psutil.Process().net_connections()
    no_thread_from(monkeypatch, "uprez-page")
    with pytest.raises(RuntimeError, match="can't start new thread"):
        serve(live, "127.0.0.1:0")
    listening = [each for each in psutil.Process().net_connections() if each.status == psutil.CONN_LISTEN]
    assert [each for each in listening if each not in before] == []
