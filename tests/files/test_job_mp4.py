"""Outputs in mp4 and QuickTime play on Apple's devices, and from their beginning while they are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from tests.jobs import upscale

_PARAMETER_SETS = {32, 33, 34}  # types of H.265's NAL units (table 7-1): VPS, SPS, PPS


def boxes(path: Path) -> list[str]:
    """The types of a file's boxes (ISO/IEC 14496-12, section 4.2), those of unused space left out."""
    content, at, types = path.read_bytes(), 0, []
    while at < len(content):
        types.append(content[at + 4 : at + 8].decode())
        at += int.from_bytes(content[at : at + 4], "big")
    return [type for type in types if type not in ("free", "wide")]


def nal_unit_types(packet: av.Packet[Any]) -> set[int]:
    """The types of the NAL units, each behind its size in four bytes, of a packet of H.265."""
    content, at, types = bytes(packet), 0, set()
    while at < len(content):
        types.add(content[at + 4] >> 1 & 63)
        at += 4 + int.from_bytes(content[at : at + 4], "big")
    return types


@pytest.mark.parametrize("encoders", [1, 2])
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_h265_is_tagged_hvc1_and_has_its_parameter_sets_in_the_index(
    clip: Path, tmp_path: Path, suffix: str, encoders: int
) -> None:
    output = upscale(clip, tmp_path / f"out{suffix}", codec="h265", encoders=encoders).path
    with av.open(str(output)) as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"
        types = set().union(*(nal_unit_types(packet) for packet in container.demux(video=0)))
    assert types
    assert not types & _PARAMETER_SETS


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
def test_the_index_is_in_front(clip: Path, tmp_path: Path, suffix: str) -> None:
    output = upscale(clip, tmp_path / f"out{suffix}").path
    assert boxes(output) == ["ftyp", "moov", "mdat"]


def test_the_index_of_a_file_for_editing_stays_at_the_end(clip: Path, tmp_path: Path) -> None:
    output = upscale(clip, tmp_path / "out.mov", codec="prores", preset=None).path
    assert boxes(output) == ["ftyp", "mdat", "moov"]


def test_tags_of_any_name_are_kept_beside_an_index_in_front(clip: Path, tmp_path: Path) -> None:
    tagged = tmp_path / "tagged.mkv"
    with av.open(str(clip)) as source, av.open(str(tagged), "w") as container:
        container.metadata["mood"] = "calm"
        copy = container.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    output = upscale(tagged, tmp_path / "out.mp4").path
    with av.open(str(output)) as container:
        assert container.metadata["MOOD"] == "calm"
    assert boxes(output) == ["ftyp", "moov", "mdat"]


def test_ten_bits_in_m4v_are_encoded_in_the_codec_that_its_muxer_supports(clip: Path, tmp_path: Path) -> None:
    output = upscale(clip, tmp_path / "out.m4v", codec="auto", pix_fmt="yuv420p10le").path
    with av.open(str(output)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
