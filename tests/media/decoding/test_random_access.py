"""Headers of packets show where decoding can start, whatever the container says."""

from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.decoding.random_access import AccessPoint, Parser, header_parser
from tests.media.decoding.parallel_clips import KINDS, make

START = b"\0\0\0\1"
RECOVERY, LATE_RECOVERY = b"\x06\x06\x01\xc0\x80", b"\x06\x06\x01\x40\x80"  # recovery_frame_cnt 0 and 1
SPS, IDR, SLICE = b"\x67\x64\x00\x1f", b"\x65\x88\x84", b"\x41\x9a\x02"


def parser(codec: str, extradata: bytes | None = None) -> Parser:
    parse = header_parser(codec, extradata)
    assert parse is not None
    return parse


def parse(codec: str, content: bytes, extradata: bytes | None = None) -> AccessPoint:
    return parser(codec, extradata)(av.Packet(content))


@pytest.mark.parametrize("kind", KINDS)
def test_key_frames_of_encoders_are_found(tmp_path: Path, kind: str) -> None:
    with av.open(str(make(tmp_path, kind, 40))) as container:
        stream: Any = container.streams.video[0]
        parse = parser(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert [parse(packet).is_random_access for packet in packets] == [packet.is_keyframe for packet in packets]
        sets = {parse(packet).parameter_sets for packet in packets if packet.is_keyframe}
    assert len(sets) == 1


def test_intra_refresh_has_no_other_start_than_its_first_frame(tmp_path: Path) -> None:
    with av.open(str(make(tmp_path, "intra refresh"))) as container:
        parse = parser("h264")
        packets = [packet for packet in container.demux(video=0) if packet.size]
        assert sum(packet.is_keyframe for packet in packets) > 1
        assert [parse(packet).is_random_access for packet in packets] == [True] + [False] * (len(packets) - 1)


@pytest.mark.parametrize("codec", ["mpeg4", "vp8", "prores"])
def test_other_codecs_are_not_known(codec: str) -> None:
    assert header_parser(codec, None) is None


@pytest.mark.parametrize(
    ("units", "is_random_access"),
    [
        ([SPS, IDR], True),
        ([SPS, SLICE], False),
        ([RECOVERY, SLICE], True),
        ([LATE_RECOVERY, SLICE], False),
        ([b"\x06\x05\x02ab\x06\x01\xc0\x80", SLICE], True),  # after another message
        ([b"\x06\x05\xff\x02" + bytes(257) + b"\x06\x01\xc0\x80", SLICE], True),  # of 257 bytes
        ([b"\x06\x06", SLICE], False),
        ([SPS], False),
    ],
)
def test_h264_can_start_at_idr_frames_and_immediate_recovery_points(units: list[bytes], is_random_access: bool) -> None:
    stream = b"".join(START + unit for unit in units)
    lengths = b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
    assert parse("h264", stream).is_random_access == is_random_access
    assert parse("h264", lengths, b"\x01\x64\x00\x1f\xfd").is_random_access == is_random_access


def test_parameter_sets_are_returned_without_their_start_code() -> None:
    assert parse("h264", START + SPS + START + b"\x68\xee" + START + IDR).parameter_sets == {SPS, b"\x68\xee"}


@pytest.mark.parametrize("first", [0b10000010, 0b10010010, 0b10110001])
def test_vp9_key_frame_is_shown_in_any_profile(first: int) -> None:
    assert parse("vp9", bytes([first])).is_random_access
    for bit in (1, 2, 3) if first >> 4 & 3 != 3 else (0, 1, 2):
        assert not parse("vp9", bytes([first ^ 1 << bit])).is_random_access


@given(st.sampled_from(["h264", "hevc", "mpeg2video", "vp9", "av1"]), st.binary(min_size=1, max_size=60), st.booleans())
def test_any_content_is_parsed_without_an_error(codec: str, content: bytes, has_lengths: bool) -> None:
    extradata = b"\x01" + bytes(30) if has_lengths else None
    assert isinstance(parse(codec, content, extradata), AccessPoint)
