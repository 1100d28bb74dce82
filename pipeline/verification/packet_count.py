"""The cheap form of proofreading: a finished file's own packets and times, counted against what went into it."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.media.av_errors import translate_read_errors
from pipeline.media.reading.input_container import open_input
from pipeline.verification.clock_offset import common_shift
from pipeline.verification.verdict import Fault, many

_ROUNDED = 1e-6  # seconds


def recount(path: Path, shown: NDArray[np.float64], copied: Mapping[int, int], video_index: int = 0) -> list[Fault]:
    """What the finished file `path` has not, of what was written into it; nothing is decoded.

    shown: when each frame of stream `video_index` should be shown, in seconds; all may be shifted by the same. copied:
    how many packets of each other stream there should be, by stream index; muxers may add some, as for gaps between
    subtitles. Raises InputError if it can't be read.
    """
    times, counts, tick = _read(path, video_index)
    faults = compare_times(shown, times, tick)
    for index, expected in copied.items():
        if counts[index] < expected:
            message = f"stream {index}: {counts[index]} of {expected} packets are there"
            faults.append(Fault("packet-lost", message, expected - counts[index]))
    return faults


def compare_times(shown: NDArray[np.float64], there: NDArray[np.float64], tick: float) -> list[Fault]:
    """The faults of times `there` that should be `shown`, within a `tick` after one common shift; all in seconds."""
    if np.isnan(there).any():
        return [Fault("time", f"{many(int(np.isnan(there).sum()), 'frame')} without a time")]
    shown, there = np.sort(shown), np.sort(there)
    if len(shown) != len(there):
        return _gaps(shown, there, tick)
    late = there - shown
    late -= common_shift(late, tick)
    wrong = np.flatnonzero(np.abs(late) > tick + _ROUNDED)
    if not len(wrong):
        return []
    first, worst = int(wrong[0]), float(np.abs(late).max())
    message = f"{many(len(wrong), 'frame')} at another time, the first at {shown[first]:.3f} s (frame {first})"
    return [Fault("time", f"{message}, by up to {worst * 1000:.1f} ms", len(wrong), float(shown[first]))]


def _gaps(shown: NDArray[np.float64], there: NDArray[np.float64], tick: float) -> list[Fault]:
    """What is missing or too many, and where, if times tell; else the count alone."""
    if not (len(shown) and len(there)):
        return [miscount(len(shown), len(there))]
    on_clock = there - (there[0] - shown[0])
    faults = []
    for kind, wanted, found, word in (
        ("frame-lost", shown, on_clock, "missing"),
        ("frame-doubled", on_clock, shown, "too many"),
    ):
        nearest = found[np.clip(np.searchsorted(found, wanted - tick - _ROUNDED), 0, len(found) - 1)]
        alone = np.flatnonzero(np.abs(nearest - wanted) > tick + _ROUNDED)
        if len(alone):
            first = int(alone[0])
            message = f"{many(len(alone), 'frame')} {word}, the first at {wanted[first]:.3f} s (frame {first})"
            faults.append(Fault(kind, message, len(alone), float(wanted[first])))
    return faults or [miscount(len(shown), len(there))]


def miscount(wanted: int, there: int) -> Fault:
    """The fault of a number of frames that is not the one `wanted`."""
    kind = "frame-lost" if there < wanted else "frame-doubled"
    return Fault(kind, f"{there} of {wanted} frames are there", abs(wanted - there))


def _read(path: Path, video_index: int) -> tuple[NDArray[np.float64], Counter[int], float]:
    """The times of the video's packets in seconds, how many packets each stream has, and the video's tick."""
    ticks, counts, timeless = array("q"), Counter[int](), 0
    with open_input(path) as container, translate_read_errors(path, "in its middle"):
        time_base = container.streams[video_index].time_base or Fraction(1, 1000)
        for packet in container.demux():
            if not packet.size:  # PyAV ends each stream with an empty packet
                continue
            counts[packet.stream_index] += 1
            if packet.stream_index != video_index or packet.is_discard:
                continue
            if packet.pts is None:
                timeless += 1
            else:
                ticks.append(packet.pts)
    times = np.array(ticks, np.float64) * float(time_base)
    return np.concatenate([times, np.full(timeless, np.nan)]), counts, float(time_base)
