"""The tables of side data are complete, and kinds that are named are found in a frame."""

from typing import Any, get_args

import av
from av.packet import PktSideDataT
from av.sidedata.sidedata import Type

from pipeline.media.reading.side_data_kinds import (
    FRAME_KINDS,
    LABELLED,
    NEWEST_LIBAVUTIL,
    PACKET_KINDS,
    Treatment,
)


def test_every_kind_of_frame_side_data_that_pyav_knows_is_in_its_place() -> None:
    numbers: dict[str, Any] = {name: number for number, name in enumerate(FRAME_KINDS)}
    assert {kind.name: kind.value for kind in Type}.items() <= numbers.items()


def test_every_kind_of_packet_side_data_that_pyav_knows_is_listed() -> None:
    assert set(PACKET_KINDS) == set(get_args(PktSideDataT))


def test_ffmpeg_is_no_newer_than_the_table_of_frame_side_data() -> None:
    """Where this fails, add the kinds that libavutil/frame.h has added, and raise NEWEST_LIBAVUTIL."""
    assert tuple(av.library_versions["libavutil"][:2]) <= NEWEST_LIBAVUTIL


def test_kinds_that_are_named_have_a_name() -> None:
    kinds = [*FRAME_KINDS.values(), *PACKET_KINDS.values()]
    assert all(kind.about for kind in kinds if kind.treatment is Treatment.NAMED)
    assert all(FRAME_KINDS[name].treatment is Treatment.NAMED for name in LABELLED)


def test_every_treatment_is_used() -> None:
    used = {kind.treatment for table in (FRAME_KINDS, PACKET_KINDS) for kind in table.values()}
    assert used == set(Treatment)
