"""Reads a finished file back and compares its packets and timestamps with those that were written; decodes nothing."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.media.av_errors import translate_read_errors
from pipeline.media.reading.input_container import demux, open_input
from pipeline.media.reading.source import Packet
from pipeline.media.writing.stream_end import ExpectedEnd
from pipeline.verification.clock_offset import common_shift
from pipeline.verification.verdict import Fault, count_phrase

_ROUNDED = 1e-6  # seconds


def check_packets(
    path: Path,
    frame_times: NDArray[np.float64],
    copied: Mapping[int, int],
    ends: Mapping[int, ExpectedEnd] | None = None,
    video_index: int = 0,
) -> list[Fault]:
    """Find frames and packets that were written into the file `path` and are missing in it.

    Args:
        path: The file.
        frame_times: Expected presentation time of each frame, in seconds; the file may shift all by the same amount.
        copied: Number of packets written to each other stream, by stream index. More are no fault, as muxers add some,
            for gaps between subtitles for example.
        ends: When each other stream ends, by stream index, on the clock of `frame_times`.
        video_index: The stream index of the video.

    Raises:
        InputError: The file can't be read.
    """
    times, others, tick = _read(path, video_index)
    faults = compare_frame_times(frame_times, times, tick)
    shift = 0.0 if len(times) != len(frame_times) else common_shift(np.sort(times) - np.sort(frame_times), tick)
    for index, expected in copied.items():
        if others[index].packets < expected:
            message = f"stream {index}: {others[index].packets} of {expected} packets are present"
            faults.append(Fault("packet-lost", message, expected - others[index].packets))
    if not faults:
        for index, end in (ends or {}).items():
            faults += _compare_end(index, end, others[index], shift, tick)
    return faults


class _ReadStream:
    """The packets of a stream that was read back.

    Attributes:
        packets: Their number.
        latest: When the latest begins, in seconds; -inf if none has a time.
        end: When the latest ends, in seconds; -inf if none has a time.
        tick: Resolution of the stream's clock, in seconds.
    """

    def __init__(self) -> None:
        self.packets = 0
        self.latest = self.end = -math.inf
        self.tick = 0.0

    def add(self, packet: Packet) -> None:
        self.packets += 1
        self.tick = float(packet.time_base)
        if packet.pts is not None:
            self.latest = max(self.latest, packet.pts * self.tick)
            self.end = max(self.end, (packet.pts + (packet.duration or 0)) * self.tick)


def _compare_end(index: int, end: ExpectedEnd, stream: _ReadStream, shift: float, video_tick: float) -> Iterator[Fault]:
    """Yield a fault if a stream does not end at its time, to a tick of each clock; `shift`: of the file, in seconds."""
    if math.isinf(stream.latest):
        yield Fault("sync", f"stream {index}: has no packet with a time", 1, float(end.time))
        return
    late = (stream.end if end.is_divided else stream.latest) - float(end.time) - shift
    tolerance = float(end.tolerance) + stream.tick + video_tick + _ROUNDED
    if late < -tolerance or (late > tolerance and not end.may_go_on):
        by = f"{abs(late) * 1000:.1f} ms too {'late' if late > 0 else 'early'}"
        yield Fault("sync", f"stream {index}: ends {by}", 1, float(end.time))


def compare_frame_times(expected: NDArray[np.float64], times: NDArray[np.float64], tick: float) -> list[Fault]:
    """Compare frame times after one common shift.

    Args:
        expected: Expected presentation times, in seconds.
        times: Actual presentation times, in seconds.
        tick: Resolution of `times` in seconds; smaller differences are no fault.
    """
    if np.isnan(times).any():
        return [Fault("time", f"{count_phrase(int(np.isnan(times).sum()), 'frame')} without a timestamp")]
    expected, times = np.sort(expected), np.sort(times)
    if len(expected) != len(times):
        return _compare_different_counts(expected, times, tick)
    late = times - expected
    late -= common_shift(late, tick)
    wrong = np.flatnonzero(np.abs(late) > tick + _ROUNDED)
    if not len(wrong):
        return []
    first, worst = int(wrong[0]), float(np.abs(late).max())
    where = f"the first at {expected[first]:.3f} s (frame {first})"
    message = f"{count_phrase(len(wrong), 'frame')} at another time, {where}, by up to {worst * 1000:.1f} ms"
    return [Fault("time", message, len(wrong), float(expected[first]))]


def _compare_different_counts(expected: NDArray[np.float64], times: NDArray[np.float64], tick: float) -> list[Fault]:
    """Locate missing and surplus frames by their times; return the counts alone if that finds none."""
    if not (len(expected) and len(times)):
        return [frame_count_fault(len(expected), len(times))]
    shifted = times - (times[0] - expected[0])
    faults = []
    for kind, wanted, found, word in (
        ("frame-lost", expected, shifted, "missing"),
        ("frame-doubled", shifted, expected, "too many"),
    ):
        nearest = found[np.clip(np.searchsorted(found, wanted - tick - _ROUNDED), 0, len(found) - 1)]
        unmatched = np.flatnonzero(np.abs(nearest - wanted) > tick + _ROUNDED)
        if len(unmatched):
            first, count = int(unmatched[0]), len(unmatched)
            message = f"{count_phrase(count, 'frame')} {word}, the first at {wanted[first]:.3f} s (frame {first})"
            faults.append(Fault(kind, message, count, float(wanted[first])))
    return faults or [frame_count_fault(len(expected), len(times))]


def frame_count_fault(expected: int, actual: int) -> Fault:
    """Return the fault of `actual` frames where there should be `expected`."""
    kind = "frame-lost" if actual < expected else "frame-doubled"
    return Fault(kind, f"{actual} of {expected} frames are present", abs(expected - actual))


def _read(path: Path, video_index: int) -> tuple[NDArray[np.float64], Mapping[int, _ReadStream], float]:
    """Return the times of the video's packets and its tick, both in seconds, and what was read of each stream."""
    ticks, streams, untimed = array("q"), defaultdict[int, _ReadStream](_ReadStream), 0
    with open_input(path) as container, translate_read_errors(path, "in its middle"):
        time_base = container.streams[video_index].time_base or Fraction(1, 1000)
        with demux(container) as packets:
            for packet in packets:
                if not packet.size:  # PyAV ends each stream with an empty packet
                    continue
                streams[packet.stream_index].add(packet)
                if packet.stream_index != video_index or packet.is_discard:
                    continue
                if packet.pts is None:
                    untimed += 1
                else:
                    ticks.append(packet.pts)
    times = np.array(ticks, np.float64) * float(time_base)
    return np.concatenate([times, np.full(untimed, np.nan)]), streams, float(time_base)
