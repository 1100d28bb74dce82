"""Cached choices between implementations of a network, and their description."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.superres.choice_file import describe_rates, read_choice, write_choice


@dataclass(frozen=True)
class Taste:
    winner: str
    rates: dict[str, float]


def test_a_choice_is_read_again(tmp_path: Path) -> None:
    path, choice = tmp_path / "choice.json", Taste("a", {"a": 1.5})
    assert read_choice(path, Taste) is None
    write_choice(path, choice)
    assert read_choice(path, Taste) == choice


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"winner": "a", "rates": {}, "more": 1}', b"\xff"])
def test_a_damaged_file_counts_as_missing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "choice.json"
    path.write_bytes(content)
    assert read_choice(path, Taste) is None


def test_rates_are_described_the_fastest_first() -> None:
    assert describe_rates({"A": 100.0, "B": 300.4}) == "B at 300 frames/s, 3.0 times as fast as A at 100"
    expected = "B at 9.1 frames/s, 2.0 times as fast as A at 4.5 and 10.0 times as fast as C at 0.91"
    assert describe_rates({"A": 4.54, "B": 9.08, "C": 0.908}) == expected
