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


def played_duration(packet: Any, context: Any) -> int:
    """The duration of a packet of PCM in its time base: the declared one, but no more than that of its samples.

    FFmpeg's demuxer of mov declares that the last packet before an edit lasts until the end of that edit. Where the
    size of a sample is unknown, the duration is as declared, 0 if it is not.

    Args:
        packet: A packet of the stream.
        context: The stream's codec context.
    """
    bits = _SAMPLE_BITS.match(context.name)
    channels, rate = context.layout.nb_channels, context.sample_rate
    declared = int(packet.duration or 0)
    if not (bits and channels and rate and packet.time_base):
        return declared
    samples = round(Fraction(8 * packet.size, int(bits[1]) * channels * rate) / Fraction(packet.time_base))
    return min(declared or samples, samples)
