"""How cores and memory are shared out before the first frame."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

from pipeline.config.settings import Settings
from pipeline.media.encoding.encoder import VideoEncoding
from pipeline.media.encoding.parallel_gop import MIRRORED
from pipeline.system import host

# The encoders whose closed GOPs fit together, and how many frames each keeps at work, by the memory that it took at
# preset medium (SVT-AV1: 6), measured at 720p.
_AT_WORK = {"libx264": 160, "libx265": 220, "libsvtav1": 500}
_AT_WORK_ELSEWHERE = 60
# Measured at 4K on 16 cores: eight encoders of four threads make x264 2.5 times as fast (ultrafast and veryfast), x265
# 2.3 times (ultrafast). SVT-AV1 keeps all cores busy by itself: four encoders of two threads gain an eighth, and take
# gigabytes each.
_BUSY_ALONE = ("libsvtav1",)
_CORES_PER_ENCODER, _THREADS = 2, 4
_GOPS = (48, 36, 24)  # frames; longer ones make smaller files, shorter ones wait in less memory
_RATE_CONTROLS = ("b", "maxrate", "bufsize", "pass", "flags", "stats", "nal-hrd", "intra-refresh")  # look beyond a GOP
_PARAMETERS = ("x264-params", "x264opts", "x265-params", "svtav1-params")
_RATE_PARAMETERS = re.compile(r"\b(bitrate|vbv-\w+|pass|stats|nal-hrd|intra-refresh|rc|tbr|mbr)=[^:]*")
_SHARE_OF_MEMORY = 0.5


def allocate_encoders(
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
    gops = _gops(encoding.options.get("g"))
    most = host.cores() // _CORES_PER_ENCODER if wanted == "auto" else wanted
    most = most if frames is None else min(most, -(-frames // gops[-1]))
    room = _SHARE_OF_MEMORY * host.available_memory()
    for count, gop in itertools.product(range(most, 1, -1), gops):
        of_use = frames is None or count <= -(-frames // gop)
        if of_use and memory(encoding, count, gop) <= room:
            shared = replace(encoding, encoders=count, gop=gop, waiting=count * gop)
            return replace(shared, threads=_threads(encoding.codec, count)), _fewer(count, most, wanted)
    return encoding, _fewer(1, most, wanted)


def _fewer(count: int, most: int, wanted: int | str) -> str:
    """What to say where memory allows `count` encoders, and more were asked for and of use."""
    lacking = count < most and wanted != "auto"
    return f"{count} of {wanted} encoders do the work: there is no memory for more" if lacking else ""


def _gops(wish: str | None) -> tuple[int, ...]:
    """How many frames an encoder may take at a time: as many of the GOPs that were wished for as make enough."""
    if wish is None:
        return _GOPS
    return (-(-_GOPS[-1] // int(wish)) * int(wish),)


def _threads(codec: str, encoders: int) -> int:
    """Threads of each encoder: more than there are cores for, since some always wait for others."""
    share = host.cores() // encoders
    return max(1, share // 2) if codec in _BUSY_ALONE else max(_THREADS, share)


def memory(encoding: VideoEncoding, encoders: int, gop: int) -> int:
    """Bytes that `encoders` need, and the frames that wait for them."""
    waiting = encoders * (gop + MIRRORED) if encoders > 1 else 0
    return (encoders * _AT_WORK.get(encoding.codec, _AT_WORK_ELSEWHERE) + waiting) * encoding.format.bytes


def _only_one(encoding: VideoEncoding) -> str:
    """Why several encoders would not do, "" if they would."""
    if encoding.codec not in _AT_WORK:
        return f"{encoding.codec} is not known to make closed GOPs that fit together"
    if named := [name for name in _RATE_CONTROLS if name in encoding.options]:
        return f"{named[0]}={encoding.options[named[0]]} must be kept over the whole"
    if found := _RATE_PARAMETERS.search(":".join(encoding.options.get(name, "") for name in _PARAMETERS)):
        return f"{found[0]} must be kept over the whole"
    if not re.fullmatch("[1-9][0-9]*", encoding.options.get("g", "1")):
        return f"g={encoding.options['g']} is no length of a closed GOP"
    return ""
