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

assert hdr_clips.GRADED.luminance
assert hdr_clips.GRADED.primaries
LEAST, MOST = hdr_clips.GRADED.luminance
POINTS = hdr_clips.GRADED.primaries


def _lines(result: Hdr | None, source: Hdr | None = hdr_clips.GRADED) -> str:
    return "; ".join(compare_hdr(source, result))


def test_equal_metadata_is_no_fault() -> None:
    assert _lines(hdr_clips.GRADED) == ""
    assert _lines(None, None) == ""
    assert _lines(hdr_clips.GRADED, None) == ""


@given(st.integers(-1, 1), st.integers(-1, 1), st.integers(-1, 1))
def test_rounding_by_containers_is_no_fault(red: int, least: int, most: int) -> None:
    moved = (POINTS[0][0] + Fraction(red, 50_000), POINTS[0][1])
    luminance = LEAST + Fraction(least, 16_384), MOST + Fraction(most, 256)
    assert _lines(replace(hdr_clips.GRADED, primaries=(moved, *POINTS[1:]), luminance=luminance)) == ""


def test_missing_parts_are_listed() -> None:
    assert _lines(None) == (
        "HDR metadata of the source is missing: mastering display primaries, mastering display luminance, light levels"
    )
    assert _lines(replace(hdr_clips.GRADED, light=None)) == "HDR metadata of the source is missing: light levels"


def test_changed_values_are_reported() -> None:
    assert _lines(replace(hdr_clips.GRADED, light=(1000, 401))) == (
        "its light levels are MaxCLL 1000, MaxFALL 401, not MaxCLL 993, MaxFALL 401"
    )
    assert _lines(replace(hdr_clips.GRADED, luminance=(LEAST, Fraction(4000)))) == (
        "its mastering display's luminance is 0.005 to 4000 cd/m2, not 0.005 to 1000 cd/m2"
    )
    message = _lines(replace(hdr_clips.GRADED, primaries=(POINTS[1], *POINTS[1:])))
    assert message.startswith("its mastering display's primaries differ: primaries 0.265 0.69")


@pytest.mark.parametrize(("say", "fault"), [("", "is missing"), ("max-cll=1,1", "light levels are MaxCLL 1")])
def test_verify_finds_missing_and_changed_metadata(tmp_path: Path, say: str, fault: str) -> None:
    source, result = hdr_clips.graded(tmp_path / "source.mp4"), hdr_clips.graded(tmp_path / "result.mp4", say=say)
    found = verify(source, result).faults
    assert {item.kind for item in found} == {"colour"}
    assert any(fault in item.message for item in found)
    assert not verify(source, hdr_clips.graded(tmp_path / "same.mp4")).faults
