"""Pages about streams that do not run, and clients of them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from pipeline.live.web import Page, serve
from tests.live.web.stand_in import StandIn, stream

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
