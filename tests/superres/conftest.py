"""Fixtures of tests of the CPU backend."""

from pathlib import Path

import pytest

from tests.superres.cpu.fake_runtimes import FakeRuntimes


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeRuntimes:
    """Fake runtimes, with a cache of their own."""
    monkeypatch.setenv("UPREZ_CACHE", str(tmp_path / "cache"))
    return FakeRuntimes(monkeypatch)
