"""Closed captions: SEI messages in packets of either form, and their way from frames to the packets of those frames."""

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.stage import Chain
from pipeline.frame import Frame
from pipeline.media.encoding.captions import CaptionTrack, insert_sei, sei_unit
from pipeline.media.encoding.encoder import Encoder
from pipeline.media.reading.side_data import read_captions
from pipeline.media.reading.source import Packet
from tests.frames import format_of, noise

FORMAT = format_of("yuv420p")
CONSTRUCT = st.binary(min_size=3, max_size=3)


def unescaped(unit: bytes) -> bytes:
    return re.sub(b"\0\0\3", b"\0\0", unit)


@given(st.lists(CONSTRUCT, min_size=1, max_size=40).map(b"".join))
def test_message_has_the_constructs_and_no_start_code(captions: bytes) -> None:
    unit = sei_unit("h264", captions)
    assert not re.search(b"\0\0[\0-\2]", unit)
    kept = captions[: 31 * 3]
    payload = b"\xb5\x00\x31GA94\x03" + bytes([0x40 | len(kept) // 3, 0]) + kept + b"\xff"
    assert unescaped(unit) == b"\x06\x04" + bytes([len(payload)]) + payload + b"\x80"


SPS, SLICE = {"h264": b"\x67\1\2", "hevc": b"\x42\1\2"}, {"h264": b"\x65\7", "hevc": b"\x26\1"}


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_message_precedes_the_first_slice(codec: str) -> None:
    coded = b"\0\0\0\1" + SPS[codec] + b"\0\0\1" + SLICE[codec] + b"\0\0\1" + SLICE[codec]
    expected = b"\0\0\0\1" + SPS[codec] + b"\0\0\1unit" + b"\0\0\1" + SLICE[codec] + b"\0\0\1" + SLICE[codec]
    assert insert_sei(coded, codec, b"unit") == expected
    units = [SPS[codec], SLICE[codec], SLICE[codec]]
    lengths = [len(unit).to_bytes(4, "big") + unit for unit in units]
    assert insert_sei(b"".join(lengths), codec, b"unit") == lengths[0] + b"\0\0\0\4unit" + lengths[1] + lengths[2]


def encoded(codec: str, path: Path, frames: list[Frame], shift: int = 0, **options: str) -> tuple[Any, CaptionTrack]:
    """Encode `frames` of 25 a second, write them into `path`, and return captions by pts, and the track."""
    base = Fraction(1, 25)
    track = CaptionTrack(codec, base, shift * base)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = FORMAT.width, FORMAT.height, FORMAT.pixel.name
        stream.time_base = context.time_base = base
        chain = Chain[Any, Packet](*track.around(Encoder(path, context, base, shift)))
        packets = [packet for frame in frames for packet in chain.feed(frame)] + list(chain.finish())
        for packet in packets:
            packet.stream = stream
            container.mux(packet)
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        found = [read_captions(frame, video.codec_context.codec.canonical_name) for frame in container.decode(video)]
    return found, track


def captioned(count: int = 12) -> list[Frame]:
    frames = [noise(FORMAT, index) for index in range(count)]
    for index, frame in enumerate(frames):
        frame.captions = bytes([0xFC, 0, 0, 0xFF, 0, index]) if index % 3 else b""
    return frames


@pytest.mark.parametrize(
    ("codec", "name", "options"),
    [
        ("libx264", "film.mkv", {"bf": "3", "preset": "fast"}),
        ("libx264", "film.mp4", {"preset": "ultrafast"}),
        ("libx264", "film.ts", {"bf": "2"}),
        ("libx265", "film.mkv", {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3"}),
        ("libx265", "film.mp4", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    ],
)
def test_each_frame_keeps_its_captions(tmp_path: Path, codec: str, name: str, options: dict[str, str]) -> None:
    frames = captioned()
    expected = [frame.captions for frame in frames]
    found, track = encoded(codec, tmp_path / name, frames, shift=5, **options)
    assert found == expected
    assert list(track.remarks) == []


def test_captions_that_a_codec_does_not_carry_are_counted(tmp_path: Path) -> None:
    _, track = encoded("ffv1", tmp_path / "film.mkv", captioned())
    assert list(track.remarks) == ["closed captions of 8 frames dropped: ffv1 does not carry them; H.264 and H.265 do"]


def test_captions_whose_packet_never_comes_are_counted() -> None:
    track = CaptionTrack("libx264", Fraction(1, 25), Fraction(0))
    track.add(captioned(2)[1])
    (remark,) = track.remarks
    assert remark.startswith("closed captions of 1 frames dropped: packets have other times")


def test_packets_of_other_streams_and_without_captions_pass_unchanged() -> None:
    track = CaptionTrack("libx264", Fraction(1, 25), Fraction(0))
    packet: Packet = av.Packet(np.zeros(10, np.uint8).tobytes())
    *_, insert = track.around(Chain())
    assert [*insert.feed(packet)] == [packet]
