"""Text from outside as terminals and logs may show it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("bell\x07", "bell\\x07"),
        ("gpj.\u202ecod.exe", "gpj.\\u202ecod.exe"),
        ("\udcff.mkv", "\\udcff.mkv"),
        ("Füße 日本 🎬", "Füße 日本 🎬"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_what_a_terminal_would_act_on_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_line_contains_no_other_line() -> None:
    assert printable("name\nuprez: done\tx", one_line=True) == "name\\nuprez: done\\tx"


@given(st.text(st.characters(codec=None)))
def test_no_control_character_is_left_in_a_line(text: str) -> None:
    shown = printable(text, one_line=True)
    assert not [character for character in shown if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")]
    shown.encode()
