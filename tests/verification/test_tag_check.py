from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.reading.hdr import Hdr
from pipeline.verification.compare import verify
from pipeline.verification.tag_check import compare_hdr
from tests import hdr_clips

LEAST, MOST = hdr_clips.GRADED.luminance or (Fraction(0), Fraction(0))


def _said(result: Hdr | None, source: Hdr | None = hdr_clips.GRADED) -> str:
    return "; ".join(compare_hdr(source, result))


def test_what_is_said_again_is_no_fault() -> None:
    assert _said(hdr_clips.GRADED) == ""
    assert _said(None, None) == ""
    assert _said(hdr_clips.GRADED, None) == ""


@given(st.integers(-1, 1), st.integers(-1, 1), st.integers(-1, 1))
def test_what_containers_round_is_no_fault(red: int, least: int, most: int) -> None:
    points = hdr_clips.GRADED.primaries or ()
    moved = (points[0][0] + Fraction(red, 50_000), points[0][1])
    luminance = LEAST + Fraction(least, 16_384), MOST + Fraction(most, 256)
    assert _said(replace(hdr_clips.GRADED, primaries=(moved, *points[1:]), luminance=luminance)) == ""


def test_what_is_missing_is_told_part_by_part() -> None:
    assert _said(None) == (
        "HDR metadata of the source is missing: mastering display primaries, mastering display luminance, light levels"
    )
    assert _said(replace(hdr_clips.GRADED, light=None)) == "HDR metadata of the source is missing: light levels"


def test_what_has_changed_is_told_in_numbers() -> None:
    assert _said(replace(hdr_clips.GRADED, light=(1000, 401))) == (
        "its light levels are MaxCLL 1000, MaxFALL 401, not MaxCLL 993, MaxFALL 401"
    )
    assert _said(replace(hdr_clips.GRADED, luminance=(LEAST, Fraction(4000)))) == (
        "its mastering display's luminance is 0.005 to 4000 cd/m2, not 0.005 to 1000 cd/m2"
    )
    points = hdr_clips.GRADED.primaries or ()
    told = _said(replace(hdr_clips.GRADED, primaries=(points[1], *points[1:])))
    assert told.startswith("its mastering display's primaries differ: primaries 0.265 0.69")


@pytest.mark.parametrize(("say", "fault"), [("", "is missing"), ("max-cll=1,1", "light levels are MaxCLL 1")])
def test_verify_finds_it(tmp_path: Path, say: str, fault: str) -> None:
    source, result = hdr_clips.graded(tmp_path / "source.mp4"), hdr_clips.graded(tmp_path / "result.mp4", say=say)
    found = verify(source, result).faults
    assert {item.kind for item in found} == {"colour"}
    assert any(fault in item.message for item in found)
    assert not verify(source, hdr_clips.graded(tmp_path / "same.mp4")).faults
