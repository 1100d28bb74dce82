"""What containers hold: not what FFmpeg's muxers say, but what can be read back."""

from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.media.writing import container_support
from tests import remux

TONE = np.sin(np.arange(24_000) / 10).astype(np.float32)[None]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for codec in ("aac", "ac3", "flac", "libopus", "pcm_s16le", "wavpack", "tta"):
        kind = np.float32 if codec in ("aac", "ac3") else np.int16
        samples = (TONE * 20_000).astype(kind) if kind is np.int16 else TONE
        remux.film(folder / f"{codec}.mkv", remux.sound(samples, codec))
    return folder


@pytest.mark.parametrize("codec", ["aac", "ac3", "flac", "libopus", "pcm_s16le", "wavpack", "tta"])
@pytest.mark.parametrize("muxer", ["matroska", "webm", "mp4", "mov", "ipod", "mpegts", "nut"])
def test_what_a_container_holds_comes_out_of_it_again(sounds: Path, tmp_path: Path, codec: str, muxer: str) -> None:
    path = tmp_path / "out"
    with av.open(str(sounds / f"{codec}.mkv")) as source:
        stream = source.streams.audio[0]
        if not container_support.supports(muxer, stream):
            return
        with av.open(str(path), "w", format=muxer) as container:
            copy = container_support.copy_of(container, stream)
            for packet in source.demux(stream):
                if packet.size:
                    packet.stream = copy
                    container.mux(packet)
        name = container_support.codec_name(stream)
    with av.open(str(path)) as container:
        assert container_support.codec_name(container.streams[0]) == name
        assert sum(frame.samples for frame in container.decode(audio=0)) >= TONE.shape[1] - 2048


@pytest.mark.parametrize(
    ("codec", "muxers"),
    [
        ("aac", "matroska mp4 mov ipod mpegts nut flv"),
        ("flac", "matroska mp4 nut flv"),
        ("libopus", "matroska webm mp4 mpegts nut flv"),
        ("pcm_s16le", "matroska mp4 mov nut"),
        ("wavpack", "matroska nut"),
        ("tta", ""),
    ],
)
def test_who_holds_which_sound(sounds: Path, codec: str, muxers: str) -> None:
    with av.open(str(sounds / f"{codec}.mkv")) as source:
        stream = source.streams.audio[0]
        tried = "matroska webm mp4 mov ipod mpegts nut flv".split()
        assert [muxer for muxer in tried if container_support.supports(muxer, stream)] == muxers.split()


def test_a_codec_goes_by_its_own_name_not_by_that_of_its_decoder(sounds: Path) -> None:
    with av.open(str(sounds / "libopus.mkv")) as source:
        assert container_support.codec_name(source.streams.audio[0]) == "opus"


def test_channels_that_nobody_names_get_the_usual_names() -> None:
    assert container_support.specified_layout(av.AudioLayout("5.1(side)")) == "5.1(side)"


def test_unnamed_channels_of_a_file_too(sounds: Path) -> None:
    with av.open(str(sounds / "pcm_s16le.mkv")) as source:  # Matroska doesn't say which channels PCM has
        assert container_support.specified_layout(source.streams.audio[0].codec_context.layout) == "mono"
