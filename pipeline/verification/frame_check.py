"""Finds faults among aligned frames: lost, repeated, out of order, at the wrong time, or unlike the source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.verification.alignment import Alignment
from pipeline.verification.clock_offset import common_shift
from pipeline.verification.frame_matching import UNLIKE, find_order_errors, runs
from pipeline.verification.verdict import Counts, Fault, count_phrase

_UNLIKE_CONTRAST = 0.5  # of the frame's own variance: a black frame differs by more than all of it
_ROUNDED = 1e-6  # seconds
_MAX_PLACES = 5  # that are reported one by one

Places = list[tuple[int, int]]  # runs of frames: index of the first, and how many


def check_frames(alignment: Alignment, tick: float) -> tuple[list[Fault], Counts, float]:
    """Return the faults of the frames, their counts, and the common shift of the output's clock in seconds.

    Args:
        alignment: The frames.
        tick: Resolution of the output's clock, in seconds.
    """
    errors = find_order_errors(alignment.shown, len(alignment.source_times))
    misplaced = np.zeros(len(alignment.shown), bool)
    misplaced[[*errors.doubled, *errors.moved]] = True
    lateness, shift = _lateness(alignment, misplaced, tick)
    faults = [
        *_find_lost(alignment, errors.lost),
        *_find_misplaced("frame-doubled", "shown twice", alignment, errors.doubled),
        *_find_misplaced("frame-moved", "not in order", alignment, errors.moved),
        *_find_mistimed(alignment, lateness),
        *_find_unlike(alignment),
        *_find_wrong_end(alignment, shift, tick),
    ]
    counts = Counts(
        source=len(alignment.source_times),
        result=len(alignment.output_times),
        lost=len(errors.lost),
        doubled=len(errors.doubled),
        moved=len(errors.moved),
        late=float(np.abs(lateness).max(initial=0.0)),
    )
    return faults, counts, shift


def _lateness(alignment: Alignment, misplaced: NDArray[np.bool_], tick: float) -> tuple[NDArray[np.float64], float]:
    """Return by how many seconds each output frame is late, and the common shift.

    Frames within a tick of their time, and `misplaced` ones, are not late; frames without a time are infinitely late.
    """
    if not alignment.shown:
        return np.zeros(0), 0.0
    ahead = alignment.output_times[: len(alignment.shown)] - alignment.source_times[list(alignment.shown)]
    shift = common_shift(ahead[~misplaced] if not misplaced.all() else ahead, tick)
    late = np.where(np.isnan(ahead), np.inf, ahead - shift)
    return np.where(misplaced | (np.abs(late) <= tick + _ROUNDED), 0.0, late), shift


def _find_lost(alignment: Alignment, lost: tuple[int, ...]) -> Iterator[Fault]:
    if len(places := runs(lost)) > _MAX_PLACES:
        yield _scattered_fault("frame-lost", "missing", alignment, places)
        return
    for first, count in places:
        at = float(alignment.source_times[first])
        where = f"at {at:.3f} s (frame {first})"
        message = f"{count_phrase(count, 'frame')} missing, {'the first ' if count > 1 else ''}{where}"
        yield Fault("frame-lost", message, count, at)


def _find_misplaced(kind: str, what: str, alignment: Alignment, misplaced: tuple[int, ...]) -> Iterator[Fault]:
    if len(places := runs(misplaced)) > _MAX_PLACES:
        yield _scattered_fault(kind, what, alignment, _in_source(alignment, places))
        return
    for first, count in places:
        index = alignment.shown[first]
        at = float(alignment.source_times[index])
        where = f"frame {index} of the source as frame {first} of the output, at {alignment.output_times[first]:.3f} s"
        yield Fault(kind, f"{count_phrase(count, 'frame')} {what}: {'from ' if count > 1 else ''}{where}", count, at)


def _in_source(alignment: Alignment, places: Places) -> Places:
    """Return runs of output frames as runs of the source frames that they show."""
    return [(alignment.shown[first], count) for first, count in places]


def _scattered_fault(kind: str, what: str, alignment: Alignment, places: Places) -> Fault:
    """Return one fault for many `places`, runs of source frames."""
    first, count = places[0][0], sum(count for _, count in places)
    at = float(alignment.source_times[first])
    where = f"in {len(places)} places, the first at {at:.3f} s (frame {first})"
    return Fault(kind, f"{count_phrase(count, 'frame')} {what} {where}", count, at)


def _find_untimed(alignment: Alignment, places: list[int]) -> Iterator[Fault]:
    if places:
        what = f"{count_phrase(len(places), 'frame')} without a timestamp"
        at = float(alignment.source_times[alignment.shown[places[0]]])
        yield Fault("time", f"{what}, the first is frame {places[0]} of the output", len(places), at)


def _find_mistimed(alignment: Alignment, lateness: NDArray[np.float64]) -> Iterator[Fault]:
    yield from _find_untimed(alignment, np.flatnonzero(np.isinf(lateness)).tolist())
    lateness = np.where(np.isinf(lateness), 0.0, lateness)
    if len(places := runs(np.flatnonzero(lateness).tolist())) > _MAX_PLACES:
        what = f"shown up to {np.abs(lateness).max() * 1000:.1f} ms too late or early"
        yield _scattered_fault("time", what, alignment, _in_source(alignment, places))
        return
    for first, count in places:
        worst = max(lateness[first : first + count], key=abs)
        index = alignment.shown[first]
        at = float(alignment.source_times[index])
        by = f"{abs(worst) * 1000:.1f} ms too {'late' if worst > 0 else 'early'}"
        if count == 1:
            message = f"frame {index} at {at:.3f} s is shown {by}"
        else:
            message = f"{count} frames, from frame {index} on, at {at:.3f} s are shown up to {by}"
        yield Fault("time", message, count, at)


def _find_unlike(alignment: Alignment) -> Iterator[Fault]:
    limits = np.maximum(UNLIKE, _UNLIKE_CONTRAST * alignment.contrast)
    unlike = np.flatnonzero(alignment.differences > limits)
    if len(places := runs(unlike.tolist())) > _MAX_PLACES:
        what = f"unlike the source (off by up to {np.sqrt(alignment.differences[unlike].max()):.0f} of 255)"
        yield _scattered_fault("picture", what, alignment, _in_source(alignment, places))
        return
    for first, count in places:
        at = float(alignment.source_times[alignment.shown[first]])
        off = float(np.sqrt(alignment.differences[first : first + count].max()))
        what = f"{count_phrase(count, 'frame')} unlike the source"
        yield Fault("picture", f"{what}, from {at:.3f} s on (off by up to {off:.0f} of 255)", count, at)


def _find_wrong_end(alignment: Alignment, shift: float, tick: float) -> Iterator[Fault]:
    """Compare when the last frame ends, if both videos end with the same one."""
    times = alignment.source_times
    if not alignment.shown or alignment.shown[-1] != len(times) - 1 or len(times) < 2:
        return
    late = alignment.output_end - alignment.source_end - shift
    frame = float(times[-1] - times[0]) / (len(times) - 1)
    if abs(late) > frame + tick + _ROUNDED:
        when = "later" if late > 0 else "earlier"
        yield Fault("time", f"the output ends {abs(late):.3f} s {when} than the source", 1, alignment.source_end)
