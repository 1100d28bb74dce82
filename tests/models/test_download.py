"""Downloads from a server that breaks, truncates and lies."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.models import download as downloads
from pipeline.models.download import download, downloaded_path
from pipeline.models.release_files import RELEASE_FILES, ReleaseFile
from tests.models.lying_server import Behaviour, LyingServer
from tests.waiting import refusing_port

needs_pooch = pytest.mark.skipif(importlib.util.find_spec("pooch") is None, reason="pip install 'uprez[download]'")

CONTENT = np.random.default_rng(0).bytes(300_000)

Serve = Callable[..., tuple[LyingServer, ReleaseFile]]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path))
    monkeypatch.delenv("UPREZ_OFFLINE", raising=False)
    # The pause spares a real server; the one of these tests needs none.
    monkeypatch.setattr(downloads, "_PAUSE_SECONDS", 0)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server; gives it with the description of its file."""
    with ExitStack() as servers:

        def start(behaviour: Behaviour = "honest", status: int = 200) -> tuple[LyingServer, ReleaseFile]:
            server = servers.enter_context(LyingServer(CONTENT, behaviour, status))
            digest = hashlib.sha256(CONTENT).hexdigest()
            return server, replace(RELEASE_FILES[0], url=server.url, size=len(CONTENT), sha256=digest)

        yield start


def part_of(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "weights.pth.part"


@needs_pooch
def test_file_is_downloaded_once_and_reported_as_it_grows(serve: Serve) -> None:
    server, file = serve()
    reports: list[int] = []
    path = download(file, reports.append)
    assert path.read_bytes() == CONTENT
    assert reports == sorted(reports)
    assert reports[-1] == len(CONTENT)
    assert download(file) == downloaded_path(file) == path
    assert server.ranges == [None]


@needs_pooch
@pytest.mark.parametrize("behaviour", ["breaks", "breaks-silently"])
def test_broken_connections_are_continued_where_they_ended(
    serve: Serve, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server breaks off more often than a real one would be tried.
    monkeypatch.setattr(downloads, "_ATTEMPTS", 50)
    server, file = serve(behaviour)
    assert download(file).read_bytes() == CONTENT
    starts = [0 if each is None else int(each.removeprefix("bytes=").removesuffix("-")) for each in server.ranges]
    assert starts == sorted(set(starts))
    assert len(starts) > 3


@needs_pooch
def test_download_that_stops_is_continued_by_the_next_call(serve: Serve, tmp_path: Path) -> None:
    server, file = serve("breaks")
    with pytest.raises(ModelError, match=rf"stopped at \d+ of 300000 bytes .*; {file.command} continues"):
        download(file)
    kept = part_of(tmp_path).stat().st_size
    server.behaviour = "honest"
    assert download(file).read_bytes() == CONTENT
    assert server.ranges[-1] == f"bytes={kept}-"


@needs_pooch
def test_server_that_ignores_ranges_sends_the_file_again(serve: Serve, tmp_path: Path) -> None:
    _, file = serve("ignores-ranges")
    part_of(tmp_path).parent.mkdir()
    part_of(tmp_path).write_bytes(b"stale" * 100)
    assert download(file).read_bytes() == CONTENT


@needs_pooch
@pytest.mark.parametrize("behaviour", ["other", "lies-about-ranges"])
def test_wrong_content_is_refused_and_not_kept(serve: Serve, behaviour: Behaviour, tmp_path: Path) -> None:
    server, file = serve(behaviour)
    part_of(tmp_path).parent.mkdir()
    part_of(tmp_path).write_bytes(CONTENT[:1000])
    with pytest.raises(ModelError, match=r"not the official file, its SHA-256 differs from [0-9a-f]{12}\.\.\."):
        download(file)
    assert downloaded_path(file) is None
    assert not part_of(tmp_path).exists()
    server.behaviour = "honest"
    assert download(file).read_bytes() == CONTENT


@needs_pooch
def test_server_that_never_stops_is_refused_at_the_size_of_the_file(serve: Serve, tmp_path: Path) -> None:
    _, file = serve("endless")
    with pytest.raises(ModelError, match="not the official file, more than its 300000 bytes were sent"):
        download(file)
    assert part_of(tmp_path).stat().st_size == 0


@needs_pooch
def test_missing_file_is_reported_after_one_request(serve: Serve) -> None:
    server, file = serve(status=404)
    with pytest.raises(ModelError, match="the server answers 404 Not Found"):
        download(file)
    assert len(server.ranges) == 1


@needs_pooch
def test_failing_server_is_asked_again_before_the_download_ends(serve: Serve) -> None:
    server, file = serve(status=503)
    with pytest.raises(ModelError, match=r"stopped at 0 of 300000 bytes .*503"):
        download(file)
    assert len(server.ranges) == 5


@needs_pooch
def test_server_that_is_not_there_is_reported_in_one_line() -> None:
    with refusing_port() as port, pytest.raises(ModelError, match="stopped at 0 of 67061725 bytes") as raised:
        download(replace(RELEASE_FILES[0], url=f"http://127.0.0.1:{port}/weights.pth"))
    assert "\n" not in str(raised.value)


@needs_pooch
def test_part_that_is_larger_than_the_file_is_discarded(serve: Serve, tmp_path: Path) -> None:
    _, file = serve()
    part_of(tmp_path).parent.mkdir()
    part_of(tmp_path).write_bytes(bytes(len(CONTENT) + 1))
    assert download(file).read_bytes() == CONTENT


@needs_pooch
def test_damaged_file_in_the_cache_is_downloaded_again(serve: Serve) -> None:
    _, file = serve()
    path = download(file)
    path.write_bytes(b"damaged")
    assert downloaded_path(file) is None
    assert download(file).read_bytes() == CONTENT


def test_nothing_is_requested_where_downloads_are_off(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server, file = serve()
    monkeypatch.setenv("UPREZ_OFFLINE", "1")
    with pytest.raises(ModelError, match="not downloaded, since UPREZ_OFFLINE is set; unset it, or copy http://127"):
        download(file)
    assert server.ranges == []


def test_file_that_was_copied_into_the_cache_is_used_offline(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, file = serve()
    monkeypatch.setenv("UPREZ_OFFLINE", "1")
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "weights.pth").write_bytes(CONTENT)
    assert download(file) == tmp_path / "downloads" / "weights.pth"


@pytest.mark.skipif(importlib.util.find_spec("pooch") is not None, reason="pooch is installed")
def test_missing_extra_is_named_with_its_command(serve: Serve) -> None:
    _, file = serve()
    with pytest.raises(ModelError, match=r"downloads need pooch .*: pip install 'uprez\[download\]'"):
        download(file)
