"""PCM: sound whose packets each demuxer divides in its own way, and whose size is its duration."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

_PREFIX = "pcm_"  # of FFmpeg's names of the codecs
_SAMPLE_BITS = re.compile(_PREFIX + r"[sfu](\d+)")


def is_pcm(codec: str) -> bool:
    """Return True if FFmpeg's name of a codec is one of PCM."""
    return codec.startswith(_PREFIX)


def content_duration(packet: Any, context: Any) -> int | None:
    """The duration of the samples in a packet of PCM, in its time base, rounded; None if it is unknown.

    The durations that containers declare may be longer: FFmpeg's demuxer of mov lets the last packet before an edit
    last until the end of that edit.

    Args:
        packet: A packet of the stream.
        context: The stream's codec context.
    """
    bits = _SAMPLE_BITS.match(context.name)
    channels, rate = context.layout.nb_channels, context.sample_rate
    if not (bits and channels and rate and packet.time_base):
        return None
    seconds = Fraction(8 * packet.size, int(bits[1]) * channels * rate)
    return round(seconds / Fraction(packet.time_base))
