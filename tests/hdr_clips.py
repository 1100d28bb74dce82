"""Makes clips with HDR metadata: HDR10 and HDR10+ by x265, and Dolby Vision from its specification."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from pipeline.media.reading.hdr import Hdr

PQ, HLG = 16, 18
Chromaticity = tuple[Fraction, Fraction]


def _chromaticity(x: int, y: int) -> Chromaticity:
    return Fraction(x, 10_000), Fraction(y, 10_000)


DISPLAY_P3 = (
    _chromaticity(6800, 3200),
    _chromaticity(2650, 6900),
    _chromaticity(1500, 600),
    _chromaticity(3127, 3290),
)
GRADED = Hdr(DISPLAY_P3, (Fraction(5, 1000), Fraction(1000)), (993, 401))
_X265_PARAMS = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=993,401"
# ATSC's HDR10+ message (SMPTE ST 2094-40) of a scene in one window, 115 bits of it: T.35's country and provider codes,
# then application 4, version 1.
_HDR10_PLUS_HEAD = bytes.fromhex("b5003c00010401")
_WINDOWS, _PEAK, _MAX_RGB, _AVERAGE = "01", f"{1000:027b}" + "0", f"{77777:017b}" * 3, f"{5555:017b}"
_REST = "0000" + f"{99:010b}" + "0" + "0" + "0"  # no percentiles, bright samples, no other display, no curves
_SAMPLE_ENTRY = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hev1")
_BEFORE_CHILDREN = {b"stsd": 8, b"hev1": 78}  # bytes of their own, in the format ISO/IEC 14496-12 gives them


def graded(path: Path, transfer: int = PQ, say: str = _X265_PARAMS, sei: bytes = b"") -> Path:
    """Writes four gray frames of H.265, 10 bit, BT.2020. say: x265's parameters. sei: a NAL unit in front."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx265", rate=25, options={"x265-params": f"log-level=none:bframes=0:{say}"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p10le"
        context = video.codec_context
        context.colorspace = context.color_primaries = 9
        context.color_trc, context.color_range = transfer, 1
        packets = [packet for index in range(4) for packet in video.encode(_grey(index))] + video.encode(None)
        for number, packet in enumerate(packets):
            container.mux(_before(packet, sei) if sei and not number else packet)
    return path


def hdr10_plus(path: Path) -> Path:
    """Writes `graded` with HDR10+'s dynamic metadata (H.265, D.2.6: SEI message 4, in a prefix SEI NAL unit, 39)."""
    bits = _WINDOWS + _PEAK + _MAX_RGB + _AVERAGE + _REST
    payload = _HDR10_PLUS_HEAD + int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    message = bytes([4, len(payload)]) + payload + b"\x80"
    assert b"\x00\x00" not in message  # which would need emulation prevention (H.265, 7.4.2)
    return graded(path, sei=bytes([39 << 1, 1]) + message)


def dolby_vision(source: Path, to: Path, profile: int, compatible: int) -> Path:
    """Copies an mp4 file with H.265 and its index at the end, and adds Dolby's configuration record.

    compatible: how the video appears without Dolby's metadata: 0 unusable, 1 HDR10, 4 HLG.
    """
    record = b"\x01\x00" + (profile << 9 | 6 << 3 | 0b101).to_bytes(2, "big") + bytes([compatible << 4]) + bytes(19)
    box = (8 + len(record)).to_bytes(4, "big") + (b"dvvC" if profile > 7 else b"dvcC") + record
    to.write_bytes(_with(source.read_bytes(), _SAMPLE_ENTRY, box))
    return to


def _with(boxes: bytes, path: tuple[bytes, ...], child: bytes) -> bytes:
    """Returns mp4 `boxes` with `child` added to the one at `path`."""
    written, at = b"", 0
    while at < len(boxes):
        size, name = int.from_bytes(boxes[at : at + 4], "big"), boxes[at + 4 : at + 8]
        body = boxes[at + 8 : at + size]
        if path and name == path[0]:
            own = _BEFORE_CHILDREN.get(name, 0)
            body = body[:own] + _with(body[own:], path[1:], child) + (child if len(path) == 1 else b"")
        written += (8 + len(body)).to_bytes(4, "big") + name + body
        at += size
    return written


def _before(packet: av.Packet[Any], nal: bytes) -> av.Packet[Any]:
    copy: av.Packet[Any] = av.Packet(b"\x00\x00\x00\x01" + nal + bytes(packet))
    copy.stream, copy.time_base, copy.pts, copy.dts = packet.stream, packet.time_base, packet.pts, packet.dts
    copy.is_keyframe, copy.duration = packet.is_keyframe, packet.duration
    return copy


def _grey(index: int) -> av.VideoFrame:
    frame = av.VideoFrame(64, 48, "yuv420p10le")
    for number, plane in enumerate(frame.planes):
        plane.update(np.full(plane.buffer_size // 2, 512 if number else 200 + 150 * index, np.uint16).tobytes())
    frame.pts, frame.time_base = index, Fraction(1, 25)
    return frame
