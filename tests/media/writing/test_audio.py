"""Re-encoded audio: lossless where the source is, and in sync."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from pipeline.media.writing.audio import ReencodeRoute
from tests import remux
from tests.remux import CLICK_SECONDS, RATE, audio_track, click_times, make_clicks, samples, write_source

NOISE = np.random.default_rng(1).integers(-(2**15), 2**15, (1, RATE))


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "flac"), (".mov", "alac"), (".m4v", "alac")])
def test_lossless_16_bit_audio_is_reencoded_losslessly(tmp_path: Path, suffix: str, codec: str) -> None:
    source = write_source(tmp_path / "in.mkv", audio_track(NOISE.astype(np.int16), "wavpack"))
    sink = remux.remux(source, tmp_path / f"out{suffix}")
    assert f"audio stream 1 converted from wavpack to {codec}" in sink.remarks[0]
    assert np.array_equal(samples(source), samples(sink.path))


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_counts_of_reencoded_packets_match_the_file(tmp_path: Path, suffix: str) -> None:
    """The encoder of FLAC ends with a packet without content."""
    sink = remux.remux(
        write_source(tmp_path / "in.mkv", audio_track(NOISE.astype(np.int16), "wavpack")), tmp_path / f"out{suffix}"
    )
    assert sink.copied == {1: len(remux.contents(sink.path, 1))}


def test_lossless_24_bit_audio_is_reencoded_losslessly(tmp_path: Path) -> None:
    source = write_source(tmp_path / "in.mkv", audio_track((NOISE * 256 * 256).astype(np.int32), "pcm_s24le"))
    sink = remux.remux(source, tmp_path / "out.m4v")
    assert "from pcm_s24le to alac" in sink.remarks[0]
    assert np.array_equal(samples(source), samples(sink.path))


@pytest.mark.parametrize("start", [0.0, 0.3])
@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("libopus", ".mov"),
        ("libopus", ".m4v"),
        ("aac", ".webm"),
        ("wavpack", ".mp4"),
        ("wavpack", ".ts"),
        ("wavpack", ".webm"),
    ],
)
def test_reencoded_audio_stays_in_sync(tmp_path: Path, start: float, suffix: str, codec: str) -> None:
    clicks = (make_clicks() * 30_000).astype(np.int16) if codec == "wavpack" else make_clicks()
    source = write_source(tmp_path / "in.mkv", audio_track(clicks, codec, start))
    sink = remux.remux(source, tmp_path / f"out{suffix}")
    assert "audio stream 1" in sink.remarks[0]
    assert click_times(source) == pytest.approx([start + click for click in CLICK_SECONDS], abs=0.0015)
    assert click_times(sink.path) == pytest.approx(click_times(source), abs=0.0011)


def test_a_gap_keeps_its_length(tmp_path: Path) -> None:
    first, second = make_clicks()[:, : round(0.7 * RATE)], make_clicks()[:, round(0.7 * RATE) :]
    beginning = write_source(tmp_path / "a.mkv", audio_track(first, "libopus"))
    rest = write_source(tmp_path / "b.mkv", audio_track(second, "libopus", start=1.2))

    def both(container: Any) -> Iterator[Any]:
        adding = iter(remux.copied(beginning, 1)(container))
        yield next(adding)
        packets = list(adding)
        with av.open(io.BytesIO(), "w", "nut") as unused:
            continued = iter(remux.copied(rest, 1)(unused))
            next(continued)
            for packet in continued:
                packet.stream = packets[0].stream
                packets.append(packet)
        yield from packets

    source = write_source(tmp_path / "in.mkv", both)
    sink = remux.remux(source, tmp_path / "out.mov")
    assert click_times(source) == pytest.approx([0.5, 1.5, 2.0], abs=0.002)
    assert click_times(sink.path) == pytest.approx(click_times(source), abs=0.0011)
    assert samples(sink.path).shape[1] == pytest.approx(2.5 * RATE, abs=2048)


def test_reencoded_audio_is_complete(tmp_path: Path) -> None:
    source = write_source(tmp_path / "in.mkv", audio_track(make_clicks(), "libopus"))
    sink = remux.remux(source, tmp_path / "out.mov")
    assert samples(sink.path).shape[1] == pytest.approx(2 * RATE, abs=1024)


def test_a_damaged_packet_is_reported_and_replaced_by_silence(tmp_path: Path) -> None:
    good = write_source(tmp_path / "good.mkv", audio_track(NOISE.astype(np.int16), "flac"))

    def damaged(container: Any) -> Iterator[Any]:
        packets = iter(remux.copied(good, 1)(container))
        yield next(packets)
        for index, packet in enumerate(packets):
            if index != 3:
                yield packet
                continue
            broken = av.Packet(b"\0" * 50)
            broken.stream, broken.time_base = packet.stream, packet.time_base
            broken.pts, broken.dts = packet.pts, packet.dts
            yield broken

    sink = remux.remux(write_source(tmp_path / "in.mkv", damaged), tmp_path / "out.mov")
    assert any("packets that are damaged in the source" in remark for remark in sink.remarks)
    ours, theirs = samples(sink.path)[0], samples(good)[0]
    assert np.array_equal(ours[-8000:], theirs[-8000:])
    assert len(ours) == len(theirs)


def test_reencoding_keeps_the_number_of_channels(tmp_path: Path) -> None:
    source = write_source(tmp_path / "in.mkv", audio_track(np.repeat(make_clicks(), 2, axis=0), "libopus"))
    sink = remux.remux(source, tmp_path / "out.mov")
    with av.open(str(sink.path)) as container:
        assert container.streams.audio[0].codec_context.layout.name == "stereo"
        assert container.streams.audio[0].codec_context.sample_rate == RATE


def test_an_empty_audio_stream_is_no_error(tmp_path: Path) -> None:
    source = write_source(tmp_path / "in.mkv", audio_track(np.zeros((1, 0), np.float32), "libopus"))
    sink = remux.remux(source, tmp_path / "out.mov")
    assert sink.muxed[1] == 0
    assert sink.muxed[0] == 50


def test_an_error_of_the_decoder_at_the_end_is_counted_as_damage() -> None:
    class RefusingDecoder:
        def decode(self, packet: object) -> None:
            raise av.error.InvalidDataError(0, "no")

    with av.open(io.BytesIO(), "w", format="mov") as container:
        stream = container.add_stream("aac", rate=RATE)
        original: Any = SimpleNamespace(codec_context=RefusingDecoder())
        route = ReencodeRoute(stream, original, Fraction(0))
        assert list(route.finish()) == []
    assert (route.damaged, route.remark) == (1, "packets that are damaged in the source: 1")
