"""The duration of a packet of PCM is that of its samples."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.media.pcm import content_duration, is_pcm


def context(name: str, channels: int = 2, rate: int = 48_000) -> Any:
    return SimpleNamespace(name=name, layout=SimpleNamespace(nb_channels=channels), sample_rate=rate)


def packet(size: int, time_base: Fraction = Fraction(1, 48_000)) -> Any:
    return SimpleNamespace(size=size, time_base=time_base)


@pytest.mark.parametrize(
    ("codec", "size"), [("pcm_u8", 200), ("pcm_s16be", 400), ("pcm_s24le", 600), ("pcm_f64le", 1600)]
)
def test_the_size_of_a_packet_is_its_duration(codec: str, size: int) -> None:
    assert content_duration(packet(size), context(codec)) == 100


def test_a_duration_is_rounded_to_the_clock_of_the_packet() -> None:
    assert content_duration(packet(1024 * 4, Fraction(1, 1000)), context("pcm_s16le")) == 21


def test_samples_of_unknown_size_have_no_known_duration() -> None:
    assert content_duration(packet(400), context("pcm_dvd")) is None
    assert content_duration(packet(400), context("pcm_s16le", rate=0)) is None


def test_codecs_of_pcm_are_known_by_their_names() -> None:
    assert is_pcm("pcm_s16le")
    assert not is_pcm("adpcm_ms")
