"""Damage of a source is counted, described in words and, if strict, an error."""

from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.media.reading.damage import Damage


def test_intact_source_has_an_empty_summary() -> None:
    damage = Damage(Path("in.mp4"))
    damage.add(lost_frames=0, damaged_frames=0)
    assert damage.is_empty
    assert list(damage.summary()) == []


def test_each_kind_of_damage_has_a_line_in_the_summary() -> None:
    damage = Damage(Path("in.mp4"), truncation="at least 5 bytes are missing at its end")
    damage.add(lost_frames=1, damaged_frames=2)
    damage.add(damaged_frames=1, damaged_packets=1, read_errors=2)
    assert not damage.is_empty
    assert list(damage.summary()) == [
        "the source is cut off: at least 5 bytes are missing at its end",
        "1 frame of the source can't be decoded or is missing",
        "3 frames of the source are damaged, and so are frames that refer to them",
        "1 packet of other streams is damaged, or can't be copied",
        "the source could not be read in 2 places",
    ]


def test_first_damage_raises_if_strict() -> None:
    damage = Damage(Path("in.mp4"), strict=True)
    damage.add(lost_frames=0)
    with pytest.raises(InputError, match=r"^in\.mp4: is damaged \(2 frames .* are missing\); without `strict`"):
        damage.add(lost_frames=2)


def test_streams_that_begin_in_mid_file_are_named_and_no_damage() -> None:
    damage = Damage(Path("in.vob"), strict=True)
    damage.unlisted_packets += 2
    damage.add(lost_frames=0)
    assert damage.is_empty
    assert list(damage.summary()) == ["2 packets of streams that begin in mid-file are left out"]
