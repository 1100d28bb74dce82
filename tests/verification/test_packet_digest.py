"""Digests of packets ignore headers that only some containers have."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from pipeline.media.reading.source import Packet
from pipeline.verification.packet_digest import PacketDigests

MS = Fraction(1, 1000)


def packet(content: bytes, pts: int | None = 0, duration: int = 40) -> Packet:
    packet: Packet = av.Packet(content)
    packet.time_base, packet.pts, packet.duration = MS, pts, duration
    return packet


def digests(kind: str, codec: str, *packets: Packet) -> PacketDigests:
    context = SimpleNamespace(name=codec, layout=SimpleNamespace(nb_channels=1), sample_rate=16_000)
    stream: Any = SimpleNamespace(type=kind, codec_context=context)
    found = PacketDigests(stream)
    for each in packets:
        found.add(each)
    return found


def test_times_and_end_are_in_seconds() -> None:
    found = digests("audio", "mp3", packet(b"a", 100), packet(b"b", 140), packet(b"c", None))
    assert found.times[:2].tolist() == [0.1, 0.14]
    assert np.isnan(found.times[2])
    assert found.end == pytest.approx(0.18)
    assert (found.bytes, len(found)) == (3, 3)


def test_adts_headers_are_ignored() -> None:
    raw, header = b"0123456789", bytes([0xFF, 0xF1, 0, 0, 0, 0, 0])
    with_header, without = digests("audio", "aac", packet(header + raw)), digests("audio", "aac", packet(raw))
    assert with_header.digests.tolist() == without.digests.tolist()


def test_start_codes_equal_lengths() -> None:
    annex_b = b"\0\0\0\1" + b"unit" + b"\0\0\1" + b"second"
    lengths = b"\0\0\0\4" + b"unit" + b"\0\0\0\6" + b"second"
    assert digests("video", "h264", packet(annex_b)).content == digests("video", "h264", packet(lengths)).content


def test_samples_end_when_they_are_played_whatever_duration_is_declared() -> None:
    assert digests("audio", "pcm_s16le", packet(bytes(1024), 100, duration=400)).end == pytest.approx(0.132)


def test_content_does_not_depend_on_the_division_into_packets() -> None:
    first = digests("audio", "pcm_s16le", packet(b"ab"), packet(b"cd"))
    second = digests("audio", "pcm_s16le", packet(b"abc"), packet(b"d"))
    assert first.content == second.content
    assert first.digests.tolist() != second.digests.tolist()


def test_cues_are_kept_and_empty_samples_ignored() -> None:
    found = digests("subtitle", "mov_text", packet(b"\0\2hi"), packet(b"\0\0"))
    assert (found.cues, len(found)) == ([b"\0\2hi"], 1)
