"""Facts in the bytes of a packet: overwritten parts, and whether it is shown."""

import av
import pytest

from pipeline.media.decoding.bitstream import has_zeroed_gap, is_shown


@pytest.mark.parametrize(
    ("content", "codec", "torn"),
    [
        (b"\x01\x02" + bytes(64) + b"\x77", "h264", True),
        (b"\x01\x02" + bytes(64) + b"\x01\x65", "h264", False),  # stuffing before a start code
        (b"\x01\x02" + bytes(64), "hevc", False),  # stuffing at the end
        (b"\x01\x02" + bytes(63) + b"\x77", "h264", False),
        (b"\x01\x02" + bytes(64) + b"\x77", "mpeg2video", False),  # may be full of zeros
    ],
)
def test_zeroed_gap_is_found_in_codecs_that_never_write_one(content: bytes, codec: str, torn: bool) -> None:
    assert has_zeroed_gap(av.Packet(content), codec) == torn


@pytest.mark.parametrize(
    ("content", "codec", "shown"),
    [
        (b"\x10\x02\x00", "vp8", True),
        (b"\x00\x02\x00", "vp8", False),
        (b"\x00\x00\x01\xb6\x12\x34\x56", "mpeg4", False),
        (b"\x00\x00\x01\xb6" + bytes(range(40)), "mpeg4", True),
        (b"\x00\x02\x00", "h264", True),
    ],
)
def test_reference_frames_and_empty_packets_are_not_shown(content: bytes, codec: str, shown: bool) -> None:
    assert is_shown(av.Packet(content), codec) == shown
