"""Damage: every frame that decodes, lost frames counted, exit code 3; refused where no frame decodes.

The expected frames and times are those that plain FFmpeg decodes, where none follow from the case.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.cases.bitstreams import boxes, flip_bits, splice, without_box
from tests.cases.case import DAMAGED, Expected, case, evenly, refused
from tests.cases.film import Film, Packets, film
from tests.cases.timing import B_FRAMES, THIRTY

_LARGER = (192, 128)
_LOST = "lost|damaged|missing|cut off|broken"
_WHOLE = range(60)


def _textured(path: Path, format: str | None = None, **container: str) -> bytes:
    """Writes a film of many bytes, with audio where the format has room for it; returns its bytes."""
    with Film(path, format, **container) as out:
        out.video(_WHOLE, _LARGER, textured=True, g="12", **B_FRAMES)
        if format != "h264":
            out.audio(2.4)
    return path.read_bytes()


def _damaged(path: Path, left: bytes, *kinds: str) -> Expected:
    path.write_bytes(left)
    return Expected(streams=kinds or ("video", "audio"), code=DAMAGED, messages=(_LOST,))


@case("cut-off.mkv")
def cut_mkv(path: Path) -> Expected:
    """Ends after 60 % of its bytes, as an unfinished download; its header declares all frames."""
    whole = _textured(path, cluster_time_limit="400")
    return _damaged(path, whole[: len(whole) * 6 // 10])


@case("cut-off.ts")
def cut_ts(path: Path) -> Expected:
    """Ends after half of its bytes, in the middle of a packet; no header declares more."""
    whole = _textured(path, "mpegts")
    return _damaged(path, whole[: len(whole) // 2 // 188 * 188 + 100])


@case("cut-off-index-in-front.mp4")
def cut_faststart(path: Path) -> Expected:
    """Ends after 60 % of its bytes; the index in front lists all frames."""
    whole = _textured(path, movflags="faststart")
    return _damaged(path, whole[: len(whole) * 6 // 10])


@case("cut-off-index-at-end.mp4")
def cut_without_index(path: Path) -> Expected:
    """Ends after half of its bytes; the index was at the end."""
    whole = _textured(path)
    path.write_bytes(whole[: len(whole) // 2])
    return refused("index|moov|not a video|cut off")


@case("no-index.mp4")
def no_index(path: Path) -> Expected:
    """All frames are there, but the index with their positions is missing."""
    path.write_bytes(without_box(_textured(path), "moov"))
    return refused("index|moov|not a video|cut off")


@case("header-only.mp4")
def header_only(path: Path) -> Expected:
    """The index declares 60 frames, and none is there."""
    path.write_bytes(without_box(_textured(path, movflags="faststart"), "mdat"))
    return refused("no frame|no picture|none")


@case("flipped-bits.mp4")
def flipped_mp4(path: Path) -> Expected:
    """One bit in about 15,000 bytes is wrong, in audio and video."""
    whole = _textured(path)
    start, end = next((start, end) for name, start, end in boxes(whole) if name == "mdat")
    return _damaged(path, flip_bits(whole, start + 8000, end, 15_000))


@case("flipped-bits.ts")
def flipped_ts(path: Path) -> Expected:
    """One bit in about 15,000 bytes is wrong, also in packet headers."""
    whole = _textured(path, "mpegts")
    return _damaged(path, flip_bits(whole, 8000, len(whole), 15_000))


@case("hole.ts")
def hole(path: Path) -> Expected:
    """40 packets of a transport stream are missing, as after poor reception."""
    whole = _textured(path, "mpegts")
    at = len(whole) // 188 // 3 * 188
    return _damaged(path, whole[:at] + whole[at + 40 * 188 :])


@case("zeros.h264")
def zeros(path: Path) -> Expected:
    """4000 bytes of a raw stream are zero, as after a failed disk block."""
    whole = _textured(path, "h264")
    at = len(whole) // 3
    return _damaged(path, whole[:at] + bytes(4000) + whole[at + 4000 :], "video")


@case("no-first-key-frame.ts")
def no_first_key_frame(path: Path) -> Expected:
    """Begins in the middle of a group of pictures, as recordings of broadcasts do."""
    whole = _textured(path, "mpegts")
    at = len(whole) // 188 * 3 // 10 * 188
    return _damaged(path, whole[: 3 * 188] + whole[at:])


@case("empty.mp4")
def empty(path: Path) -> Expected:
    """No bytes."""
    path.write_bytes(b"")
    return refused("empty|not a video")


@case("text.mp4")
def text(path: Path) -> Expected:
    """A text file with a video's suffix."""
    path.write_bytes(b"this is not a video\n" * 200)
    return refused("not a video")


@case("random.mkv")
def noise(path: Path) -> Expected:
    """Random bytes."""
    path.write_bytes(np.random.default_rng(1).bytes(50_000))
    return refused("not a video")


@case("size-changes.ts")
def size_changes(path: Path) -> Expected:
    """From frame 15 on the frames are twice as large."""
    parts = []
    for numbers, size in ((THIRTY[:15], (96, 64)), (THIRTY[15:], _LARGER)):
        film(path, numbers, "mpegts", size=size, pts=numbers)
        parts.append(path.read_bytes())
    path.write_bytes(splice(*parts))
    return Expected(THIRTY, evenly(30), messages=("192x128",))


@case("pixel-format-changes.h264")
def format_changes(path: Path) -> Expected:
    """From frame 15 on the frames are 4:4:4 instead of 4:2:0, in a raw stream."""
    parts = []
    for numbers, pixel in ((THIRTY[:15], "yuv420p"), (THIRTY[15:], "yuv444p")):
        film(path, numbers, "h264", pixel=pixel)
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))
    return Expected(THIRTY, evenly(30), messages=("yuv444p|format",))


@case("broken-audio.mkv")
def broken_audio(path: Path) -> Expected:
    """Audio packets that don't decode; they are copied unchanged, as audio is not decoded."""
    with Film(path) as out:
        out.video()
        out.audio(1.2, edit=_overwritten)
    return Expected(THIRTY, evenly(30), ("video", "audio"), clicks=())


def _overwritten(packets: Packets) -> Packets:
    for index, packet in enumerate(packets):
        if index > 4:
            packet.update(b"\xff" * packet.size)
    return packets
