"""Conversion between SubRip and the timed text of mp4 files."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.writing import subtitles
from pipeline.media.writing.subtitles import Run, Style

STYLES = st.builds(Style, st.integers(0, 7), st.none() | st.integers(0, 0xFFFFFE))
TEXTS = st.text(
    st.characters(exclude_characters="<>{}\r\n\0\ufeff", exclude_categories=["Cs"]), min_size=1, max_size=20
)
LINES = st.lists(TEXTS, min_size=1, max_size=3).map("\n".join)


def runs_of(texts: list[tuple[str, Style]]) -> tuple[Run, ...]:
    """Runs of which no two neighbours have one style."""
    runs: list[Run] = []
    for text, style in texts:
        if runs and runs[-1].style == style:
            runs[-1] = Run(runs[-1].text + text, style)
        else:
            runs.append(Run(text, style))
    return tuple(runs)


RUNS = st.lists(st.tuples(LINES, STYLES), min_size=1, max_size=5).map(runs_of)


@given(RUNS)
def test_runs_survive_subrip(runs: tuple[Run, ...]) -> None:
    assert subtitles.from_subrip(subtitles.to_subrip(runs)) == runs


@given(RUNS)
def test_runs_survive_timed_text(runs: tuple[Run, ...]) -> None:
    assert subtitles.from_sample(subtitles.to_sample(runs)) == runs


@given(RUNS)
def test_a_cue_survives_conversion_to_timed_text_and_back(runs: tuple[Run, ...]) -> None:
    cue = subtitles.to_subrip(runs)
    assert subtitles.sample_to_subrip(subtitles.subrip_to_sample(cue)) == cue


@given(st.binary(max_size=60))
def test_broken_samples_raise_no_error(sample: bytes) -> None:
    subtitles.sample_to_subrip(sample).decode()


@given(st.binary(max_size=60))
def test_broken_cues_raise_no_error(cue: bytes) -> None:
    sample = subtitles.subrip_to_sample(cue)
    assert not sample or len(sample) >= 2 + struct.unpack_from(">H", sample)[0]


def test_styles_count_characters_not_bytes() -> None:
    sample = subtitles.subrip_to_sample("Größe <b>fett</b>".encode())
    assert sample == (
        b"\x00\x0c" + "Größe fett".encode() + b"\x00\x00\x00\x16styl\x00\x01"
        b"\x00\x06\x00\x0a\x00\x01\x01\x10\xff\xff\xff\xff"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cue", "runs"),
    [
        ("<i>one\r\ntwo</i>", (Run("one\ntwo", Style(2)),)),
        ("<B>a<I>b</B>c</I>", (Run("a", Style(1)), Run("b", Style(3)), Run("c", Style(2)))),
        ('<font color="red">a</font>b', (Run("a", Style(0, 0xFF0000)), Run("b"))),
        ("<font color=#0000FF><font size=3>a</font></font>", (Run("a", Style(0, 0x0000FF)),)),
        ('<font color="#000000">a</font>', (Run("a", Style(0, 0)),)),
        ("{\\an8}up", (Run("up"),)),
        ("1 < 2 <x>", (Run("1 < 2 <x>"),)),
        ("a</font></b>", (Run("a"),)),
    ],
)
def test_common_variants_of_tags_are_parsed(cue: str, runs: tuple[Run, ...]) -> None:
    assert subtitles.from_subrip(cue.encode()) == runs


@pytest.mark.parametrize("sample", [b"", b"\x00\x00", b"\x00"])
def test_an_empty_sample_has_no_cue(sample: bytes) -> None:
    assert subtitles.sample_to_subrip(sample) == b""


def test_the_default_style_of_a_description_is_kept() -> None:
    description = bytes(18) + struct.pack(">HHHBBI", 0, 0, 1, 2, 18, 0xFFFF00FF)
    default = subtitles.default_style(description)
    assert default == Style(2, 0xFFFF00)
    assert subtitles.sample_to_subrip(b"\x00\x02hi", default) == b"<i>hi</i>"


def test_utf_16_text_is_decoded() -> None:
    assert subtitles.sample_to_subrip(b"\x00\x06" + "é!".encode("utf-16-be").join([b"\xfe\xff", b""])) == "é!".encode()


def test_text_too_long_for_a_sample_is_cut_at_a_character() -> None:
    sample = subtitles.subrip_to_sample(("é" * 40_000).encode())
    assert struct.unpack_from(">H", sample)[0] == 65_534
    assert subtitles.sample_to_subrip(sample).decode() == "é" * 32_767
