"""How cores and memory are shared out before the first frame."""

from __future__ import annotations

from dataclasses import replace

import psutil

from pipeline import machine
from pipeline.media.encode import VideoEncoding
from pipeline.media.gop import MIRRORED
from pipeline.settings import Settings

ENCODER_FRAMES = 60  # that x264 (lookahead 40) keeps at work, roughly
_PARALLEL = ("libx264", "libx265", "libsvtav1")
# Measured at 4K on 16 cores: eight encoders of four threads make x264 2.5 times as fast (ultrafast and veryfast), x265
# 2.3 times (ultrafast). SVT-AV1 keeps all cores busy by itself: four encoders of two threads gain an eighth, and take
# gigabytes each.
_BUSY_ALONE = ("libsvtav1",)
_CORES_PER_ENCODER, _THREADS = 2, 4
_GOPS = (48, 36, 24)  # frames; longer ones make smaller files, shorter ones wait in less memory
_RATE_CONTROLS = ("b", "maxrate", "bufsize", "pass", "flags", "stats")  # that look beyond a GOP
_SHARE_OF_MEMORY = 0.5


def shared_out(
    encoding: VideoEncoding, settings: Settings, frames: int | None, busy: bool
) -> tuple[VideoEncoding, str]:
    """`encoding` with as many encoders as the settings ask for, or as cores and memory allow; and why not, if not.

    frames: of the whole video. busy: the encoder is likely to be what the others wait for.
    """
    wanted = settings.encoders
    if wanted == 1 or (wanted == "auto" and (not busy or encoding.codec in _BUSY_ALONE)):
        return encoding, ""
    if reason := _only_one(encoding):
        return encoding, "" if wanted == "auto" else f"one encoder does the work: {reason}"
    gops = (int(encoding.options["g"]),) if "g" in encoding.options else _GOPS
    most = machine.cores() // _CORES_PER_ENCODER if wanted == "auto" else wanted
    if frames is not None:
        most = min(most, -(-frames // gops[-1]))
    for count in range(most, 1, -1):
        for gop in gops:
            if memory(encoding, count, gop) <= _SHARE_OF_MEMORY * psutil.virtual_memory().available:
                threads = _threads(encoding.codec, count)
                return replace(encoding, encoders=count, gop=gop, threads=threads, waiting=count * gop), ""
    return encoding, "" if wanted == "auto" else "one encoder does the work: there is nothing or no memory for more"


def _threads(codec: str, encoders: int) -> int:
    """Threads of each encoder: more than there are cores for, since some always wait for others."""
    share = machine.cores() // encoders
    return max(1, share // 2) if codec in _BUSY_ALONE else max(_THREADS, share)


def memory(encoding: VideoEncoding, encoders: int, gop: int) -> int:
    """Bytes that `encoders` need, and the frames that wait for them."""
    waiting = encoders * (gop + MIRRORED) if encoders > 1 else 0
    return (encoders * ENCODER_FRAMES + waiting) * encoding.format.bytes


def _only_one(encoding: VideoEncoding) -> str:
    """Why several encoders would not do, "" if they would."""
    if encoding.codec not in _PARALLEL:
        return f"{encoding.codec} is not known to make closed GOPs that fit together"
    if named := [name for name in _RATE_CONTROLS if name in encoding.options]:
        return f"{named[0]}={encoding.options[named[0]]} must be kept over the whole"
    return ""
