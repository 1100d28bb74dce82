"""Allocates cores and memory to parallel encoders before the first frame."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

from pipeline.config.settings import Settings
from pipeline.media.encoding.codecs import encoder_spec
from pipeline.media.encoding.encoder_spec import ParallelSpec
from pipeline.media.encoding.parallel_gop import LOOKAHEAD
from pipeline.media.encoding.video_encoding import VideoEncoding
from pipeline.system import host

_GOPS = (48, 36, 24)  # frames; longer ones make smaller files, shorter ones wait in less memory
_RATE_CONTROLS = ("b", "maxrate", "bufsize", "pass", "flags", "stats", "nal-hrd", "intra-refresh")  # look beyond a GOP
_RATE_PARAMETERS = re.compile(r"\b(bitrate|vbv-\w+|pass|stats|nal-hrd|intra-refresh|rc|tbr|mbr)=[^:]*")
_SHARE_OF_MEMORY = 0.5


def allocate_encoders(
    encoding: VideoEncoding, settings: Settings, frames: int | None, busy: bool
) -> tuple[VideoEncoding, str]:
    """Choose the number of parallel encoders, the length of their GOPs, and their threads.

    Args:
        encoding: For one encoder.
        settings: Its `encoders` is the requested number, or "auto": as many as cores and memory allow.
        frames: Number of frames of the output; None if unknown.
        busy: Whether the encoder is likely to be the bottleneck; else "auto" is one encoder.

    Returns:
        The encoding, and a note if there are fewer encoders than requested ("" if not).
    """
    requested = settings.encoders
    parallel = encoder_spec(encoding.codec).parallel
    if requested == 1 or (requested == "auto" and (not busy or (parallel and parallel.fills_cores))):
        return encoding, ""
    if parallel is None or (reason := reason_for_one_encoder(encoding)):
        reason = reason if parallel else f"{encoding.codec} is not known to make closed GOPs that can be joined"
        return encoding, "" if requested == "auto" else f"only one encoder is used: {reason}"
    gops = _gops(encoding.options.get("g"))
    most = host.cores() // parallel.cores if requested == "auto" else requested
    most = most if frames is None else min(most, -(-frames // gops[-1]))
    limit = _SHARE_OF_MEMORY * host.available_memory()
    for count, gop in itertools.product(range(most, 1, -1), gops):
        is_useful = frames is None or count <= -(-frames // gop)
        if is_useful and memory(encoding, count, gop) <= limit:
            shared = replace(encoding, encoders=count, gop=gop, waiting=count * gop)
            return replace(shared, threads=_threads(parallel, count)), _fewer(count, most, requested)
    return encoding, _fewer(1, most, requested)


def _fewer(count: int, most: int, requested: int | str) -> str:
    """The note if memory allows `count` encoders, and more were requested and useful."""
    is_limited = count < most and requested != "auto"
    return f"only {count} of {requested} encoders are used: memory is too small for more" if is_limited else ""


def _gops(requested: str | None) -> tuple[int, ...]:
    """The possible numbers of frames that an encoder takes at a time: if a GOP length is requested, multiples of it."""
    if requested is None:
        return _GOPS
    return (-(-_GOPS[-1] // int(requested)) * int(requested),)


def _threads(parallel: ParallelSpec, encoders: int) -> int:
    """Threads of each encoder: more than there are cores, as some always wait for others."""
    share = host.cores() // encoders
    return max(parallel.threads, share // 2 if parallel.fills_cores else share)


def memory(encoding: VideoEncoding, encoders: int, gop: int) -> int:
    """Bytes of main memory for `encoders` encoders and the frames that wait for them.

    Args:
        gop: Frames that each encoder takes at a time.
    """
    waiting = encoders * (gop + LOOKAHEAD) if encoders > 1 else 0
    return (encoders * encoder_spec(encoding.codec).frames_at_work + waiting) * encoding.format.bytes


def reason_for_one_encoder(encoding: VideoEncoding) -> str:
    """Why parallel encoders are impossible; "" if they are possible."""
    if named := [name for name in _RATE_CONTROLS if name in encoding.options]:
        return f"{named[0]}={encoding.options[named[0]]} applies to the video as a whole"
    parameters = encoder_spec(encoding.codec).parameters_options
    if found := _RATE_PARAMETERS.search(":".join(encoding.options.get(name, "") for name in parameters)):
        return f"{found[0]} applies to the video as a whole"
    if not re.fullmatch("[1-9][0-9]*", encoding.options.get("g", "1")):
        return f"g={encoding.options['g']} is not a valid GOP length"
    return ""
