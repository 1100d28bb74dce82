"""Encrypted video is recognised, and refused with what it is."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from pipeline.errors import InputError
from pipeline.media.reading.encryption import scrambled_pes_packets, scrambled_ts_packets
from pipeline.media.reading.probe import probe
from pipeline.media.writing.ebml import element, master, parse_elements, replace_child
from tests import clips

_KEY = {"encryption_key": "76a6c65c5ea762046bd749a2e632ccbb", "encryption_kid": "a7e61c373e219033c21091fa607bf3b8"}
_TS_PACKET = 188


def remuxed(source: Path, target: Path, options: dict[str, str] | None = None) -> Path:
    with av.open(str(source)) as given, av.open(str(target), "w", container_options=options or {}) as container:
        copy = container.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    return target


def mpeg2(path: Path) -> Path:
    return clips.make(path, codec="mpeg2video", audio=False, time_base=Fraction(1, 25), options={"b": "800000"})


def scrambled_ts(content: bytes, noise: bool) -> bytes:
    """A transport stream whose video, of PID 256, is marked as scrambled, and is noise if `noise`."""
    packets = [bytearray(content[at : at + _TS_PACKET]) for at in range(0, len(content), _TS_PACKET)]
    for packet in packets:
        if (packet[1] & 0x1F) << 8 | packet[2] == 256:
            packet[3] |= 0x80
            packet[12:] = bytes(byte * 167 + 13 & 0xFF for byte in range(_TS_PACKET - 12)) if noise else packet[12:]
    return b"".join(packets)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        probe(path)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("frames", [3, 50])  # of 50, FFmpeg decodes some to noise
def test_common_encryption_in_mp4_is_refused(tmp_path: Path, frames: int) -> None:
    plain = clips.make(tmp_path / "plain.mp4", frames=frames)
    encrypted = remuxed(plain, tmp_path / "out.mp4", {"encryption_scheme": "cenc-aes-ctr"} | _KEY)
    assert refusal(encrypted) == (
        "its video is encrypted (Common Encryption), and uprez has no key: give it a file without encryption"
    )


def test_a_track_that_matroska_encrypts_is_refused(clip: Path, tmp_path: Path) -> None:
    path = remuxed(clip, tmp_path / "out.mkv")
    encryption = master(0x5035, [element(0x47E1, b"\x05"), element(0x47E2, b"key")])
    encodings = master(0x6D80, [master(0x6240, [element(0x5033, b"\x01"), encryption])])
    path.write_bytes(with_child_of_the_track(path.read_bytes(), encodings.coded))
    assert refusal(path).startswith("its video is encrypted (Matroska's encryption)")


def with_child_of_the_track(content: bytes, child: bytes) -> bytes:
    """A Matroska file with `child` in its first TrackEntry, and the Segment's size unknown."""
    segment = content.index(b"\x18\x53\x80\x67")
    end = content.index(b"\x1f\x43\xb6\x75")
    tracks = content.rindex(b"\x16\x54\xae\x6b", 0, end)
    first, *rest = parse_elements(content[tracks:end])
    changed = replace_child(first, 0xAE, lambda entry: master(0xAE, [*parse_elements(entry.content + child)]))
    header = content[:segment] + b"\x18\x53\x80\x67\x01" + b"\xff" * 7
    between = content[segment + 12 : tracks]
    return header + between + changed.coded + b"".join(part.coded for part in rest) + content[end:]


def test_windows_media_drm_is_refused(tmp_path: Path) -> None:
    path = clips.make(
        tmp_path / "a.wmv", codec="mpeg4", audio=False, time_base=Fraction(1, 25), options={"b": "800000"}
    )
    content = bytearray(path.read_bytes())
    fields = 4 * ((4).to_bytes(4, "little") + b"drm\0")
    drm = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e") + (24 + len(fields)).to_bytes(8, "little") + fields
    content[16:24] = (int.from_bytes(content[16:24], "little") + len(drm)).to_bytes(8, "little")
    content[24:28] = (int.from_bytes(content[24:28], "little") + 1).to_bytes(4, "little")
    content[30:30] = drm
    path.write_bytes(content)
    assert refusal(path).startswith("its video is encrypted (Windows Media DRM)")


def test_a_scrambled_broadcast_of_which_nothing_decodes_is_refused(tmp_path: Path) -> None:
    path = mpeg2(tmp_path / "a.ts")
    path.write_bytes(scrambled_ts(path.read_bytes(), noise=True))
    assert refusal(path).startswith("its video is encrypted (a scrambled broadcast)")


def test_video_that_decodes_is_read_whatever_its_packets_are_marked_as(tmp_path: Path) -> None:
    path = mpeg2(tmp_path / "a.ts")
    path.write_bytes(scrambled_ts(path.read_bytes(), noise=False))
    assert probe(path).video.format.width == 64


@pytest.mark.parametrize(
    ("suffix", "count", "stream_id"), [(".ts", scrambled_ts_packets, 256), (".vob", scrambled_pes_packets, 0xE0)]
)
def test_plain_files_have_no_scrambled_packets(
    tmp_path: Path, suffix: str, count: Callable[[bytes, int], tuple[int, int]], stream_id: int
) -> None:
    plain = remuxed(mpeg2(tmp_path / "a.mkv"), tmp_path / f"a{suffix}")
    scrambled, of = count(plain.read_bytes(), stream_id)
    assert scrambled == 0
    assert of > 0


def test_marks_of_css_are_counted(tmp_path: Path) -> None:
    content = bytearray(remuxed(mpeg2(tmp_path / "a.mkv"), tmp_path / "a.vob").read_bytes())
    _, packets = scrambled_pes_packets(bytes(content), 0xE0)
    at = content.index(b"\x00\x00\x01\xe0")
    content[at + 6] |= 0x10
    assert scrambled_pes_packets(bytes(content), 0xE0) == (1, packets)
