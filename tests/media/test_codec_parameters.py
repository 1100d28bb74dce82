"""Codec parameters of streams without a decoder can be read, and copied to another container."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from pipeline.media.codec_parameters import add_undecodable_copy, codec_name, codec_tag, describe_codec
from tests import remux

PAGES = [(number * 40, 0, b"\x10" + bytes([number] * 91)) for number in range(5)]


@pytest.fixture
def teletext(tmp_path: Path) -> Iterator[Any]:
    path = remux.write_source(tmp_path / "in.ts", remux.cues("dvb_teletext", *PAGES, language="deu"))
    with av.open(str(path)) as container:
        stream = container.streams[1]
        assert stream.codec_context is None, "FFmpeg has a decoder for it"
        yield stream


def test_a_codec_without_a_decoder_has_its_name(teletext: Any) -> None:
    assert codec_name(teletext) == describe_codec(teletext) == "dvb_teletext"


def test_a_codec_that_ffmpeg_does_not_know_is_described_by_its_tag(tmp_path: Path) -> None:
    path = remux.write_source(tmp_path / "in.mov", remux.audio_track(remux.make_clicks(), "pcm_s16le"))
    path.write_bytes(path.read_bytes().replace(b"sowt", b"apac"))
    with av.open(str(path)) as container:
        stream = container.streams[1]
        assert (codec_name(stream), codec_tag(stream)) == ("", "apac")
        assert describe_codec(stream) == "the unknown codec apac"


def test_a_codec_without_name_and_tag_is_unknown(tmp_path: Path) -> None:
    path = remux.write_source(tmp_path / "in.mkv", remux.audio_track(remux.make_clicks(), "flac"))
    path.write_bytes(path.read_bytes().replace(b"A_FLAC", b"A_NONE"))
    with av.open(str(path)) as container:
        assert describe_codec(container.streams[1]) == "an unknown codec"


def test_a_stream_is_named_after_its_codec_not_its_decoder(tmp_path: Path) -> None:
    path = remux.write_source(tmp_path / "in.mkv", remux.audio_track(remux.make_clicks(), "libopus"))
    with av.open(str(path)) as container:
        assert codec_name(container.streams[1]) == "opus"


@pytest.mark.parametrize(("muxer", "keep_tag"), [("mpegts", True), ("nut", False)])
def test_a_copy_is_read_back_with_the_same_codec(teletext: Any, tmp_path: Path, muxer: str, keep_tag: bool) -> None:
    path = tmp_path / "out"
    with av.open(str(path), "w", format=muxer) as container:
        copy = add_undecodable_copy(container, teletext, keep_tag)
        for packet in teletext.container.demux(teletext):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    with av.open(str(path)) as container:
        assert [(stream.type, codec_name(stream)) for stream in container.streams] == [("subtitle", "dvb_teletext")]
    assert [content for _, content in remux.contents(path, 0)] == [content for *_, content in PAGES]
