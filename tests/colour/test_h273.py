"""Codes of H.273."""

import pytest

from pipeline.colour.h273 import colour_names, is_hdr
from pipeline.frame import Colour


@pytest.mark.parametrize(("transfer", "expected"), [(16, True), (18, True), (1, False), (2, False), (13, False)])
def test_only_pq_and_hlg_are_hdr(transfer: int, expected: bool) -> None:
    assert is_hdr(Colour(9, False, transfer=transfer)) is expected


def test_codes_have_the_names_of_ffmpeg_and_unknown_ones_their_number() -> None:
    assert colour_names(Colour(9, False, 9, 16)) == ("bt2020nc", "bt2020", "smpte2084 (PQ)")
    assert colour_names(Colour(1, False)) == ("bt709", "untagged", "untagged")
    assert colour_names(Colour(77, False, 1, 1)) == ("77", "bt709", "bt709")
