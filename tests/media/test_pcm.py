"""A packet of PCM lasts as long as declared, but no longer than its samples."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.media.pcm import is_pcm, played_duration


def context(name: str, channels: int = 2, rate: int = 48_000) -> Any:
    return SimpleNamespace(name=name, layout=SimpleNamespace(nb_channels=channels), sample_rate=rate)


def packet(size: int, time_base: Fraction = Fraction(1, 48_000), duration: int | None = None) -> Any:
    return SimpleNamespace(size=size, time_base=time_base, duration=duration)


@pytest.mark.parametrize(
    ("codec", "size"), [("pcm_u8", 200), ("pcm_s16be", 400), ("pcm_s24le", 600), ("pcm_f64le", 1600)]
)
def test_the_size_of_a_packet_is_its_duration(codec: str, size: int) -> None:
    assert played_duration(packet(size), context(codec)) == 100


def test_a_duration_is_rounded_to_the_clock_of_the_packet() -> None:
    assert played_duration(packet(1024 * 4, Fraction(1, 1000)), context("pcm_s16le")) == 21


@pytest.mark.parametrize(("declared", "played"), [(None, 100), (60, 60), (100, 100), (164, 100)])
def test_the_declared_duration_is_limited_to_that_of_the_samples(declared: int | None, played: int) -> None:
    assert played_duration(packet(400, duration=declared), context("pcm_s16le")) == played


def test_samples_of_unknown_size_last_as_declared() -> None:
    assert played_duration(packet(400, duration=7), context("pcm_dvd")) == 7
    assert played_duration(packet(400), context("pcm_s16le", rate=0)) == 0


def test_codecs_of_pcm_are_known_by_their_names() -> None:
    assert is_pcm("pcm_s16le")
    assert not is_pcm("adpcm_ms")
