"""From two films compared to faults: frames lost, doubled, moved, shown at another time, or not like their source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.verification.alignment import Match
from pipeline.verification.clock_offset import common_shift
from pipeline.verification.frame_matching import UNLIKE, disorder, runs
from pipeline.verification.verdict import Counts, Fault, many

_UNLIKE_OF_CONTRAST = 0.5  # of the picture's own variance: a black frame is off by more than all of it
_ROUNDED = 1e-6  # seconds
_MOST_PLACES = 5  # that are told one by one


def judge(match: Match, tick: float) -> tuple[list[Fault], Counts, float]:
    """The faults of the frames, their counts, and the common shift; `tick`: of the result's clock; all in seconds."""
    found = disorder(match.shown, len(match.source))
    odd = np.zeros(len(match.shown), bool)
    odd[[*found.doubled, *found.moved]] = True
    late, shift = _lateness(match, odd, tick)
    faults = [
        *_lost(match, found.lost),
        *_again("frame-doubled", "shown twice", match, found.doubled),
        *_again("frame-moved", "not in order", match, found.moved),
        *_late(match, late),
        *_unlike(match),
        *_last(match, shift, tick),
    ]
    worst = float(np.abs(late).max(initial=0.0))
    counts = Counts(len(match.source), len(match.result), len(found.lost), len(found.doubled), len(found.moved), worst)
    return faults, counts, shift


def _lateness(match: Match, odd: NDArray[np.bool_], tick: float) -> tuple[NDArray[np.float64], float]:
    """By how many seconds each result frame is late, 0 within a `tick` and for `odd` ones; and the common shift."""
    if not match.shown:
        return np.zeros(0), 0.0
    ahead = match.result[: len(match.shown)] - match.source[list(match.shown)]
    shift = common_shift(ahead[~odd] if not odd.all() else ahead, tick)
    late = np.where(np.isnan(ahead), np.inf, ahead - shift)
    return np.where(odd | (np.abs(late) <= tick + _ROUNDED), 0.0, late), shift


def _lost(match: Match, lost: tuple[int, ...]) -> Iterator[Fault]:
    if len(places := runs(lost)) > _MOST_PLACES:
        yield _scattered("frame-lost", "missing", match, places)
        return
    for first, count in places:
        at = float(match.source[first])
        where = f"at {at:.3f} s (frame {first})"
        message = f"{many(count, 'frame')} missing, {'the first ' if count > 1 else ''}{where}"
        yield Fault("frame-lost", message, count, at)


def _again(kind: str, what: str, match: Match, again: tuple[int, ...]) -> Iterator[Fault]:
    if len(places := runs(again)) > _MOST_PLACES:
        yield _scattered(kind, what, match, [(match.shown[first], count) for first, count in places])
        return
    for first, count in places:
        at = float(match.source[match.shown[first]])
        where = (
            f"frame {match.shown[first]} of the source as frame {first} of the result, at {match.result[first]:.3f} s"
        )
        yield Fault(kind, f"{many(count, 'frame')} {what}: {'from ' if count > 1 else ''}{where}", count, at)


def _scattered(kind: str, what: str, match: Match, places: list[tuple[int, int]]) -> Fault:
    """Faults in many places as one; `places`: source frames, and how many from each on."""
    first, count = places[0][0], sum(count for _, count in places)
    at = float(match.source[first])
    where = f"in {len(places)} places, the first at {at:.3f} s (frame {first})"
    return Fault(kind, f"{many(count, 'frame')} {what} {where}", count, at)


def _timeless(match: Match, places: list[int]) -> Iterator[Fault]:
    if places:
        message = f"{many(len(places), 'frame')} without a time, the first is frame {places[0]} of the result"
        yield Fault("time", message, len(places), float(match.source[match.shown[places[0]]]))


def _late(match: Match, late: NDArray[np.float64]) -> Iterator[Fault]:
    yield from _timeless(match, np.flatnonzero(np.isinf(late)).tolist())
    late = np.where(np.isinf(late), 0.0, late)
    if len(places := runs(np.flatnonzero(late).tolist())) > _MOST_PLACES:
        what = f"shown up to {np.abs(late).max() * 1000:.1f} ms too late or early"
        yield _scattered("time", what, match, [(match.shown[first], count) for first, count in places])
        return
    for first, count in places:
        worst = max(late[first : first + count], key=abs)
        at = float(match.source[match.shown[first]])
        by = f"{abs(worst) * 1000:.1f} ms too {'late' if worst > 0 else 'early'}"
        frames = f"frame {match.shown[first]}" if count == 1 else f"{count} frames, from frame {match.shown[first]} on,"
        message = f"{frames} at {at:.3f} s {'is' if count == 1 else 'are'} shown up to {by}"
        yield Fault("time", message.replace("up to ", "" if count == 1 else "up to "), count, at)


def _unlike(match: Match) -> Iterator[Fault]:
    limits = np.maximum(UNLIKE, _UNLIKE_OF_CONTRAST * match.contrast)
    unlike = np.flatnonzero(match.unlike > limits)
    if len(places := runs(unlike.tolist())) > _MOST_PLACES:
        what = f"not like the source (off by up to {np.sqrt(match.unlike[unlike].max()):.0f} of 255)"
        yield _scattered("picture", what, match, [(match.shown[first], count) for first, count in places])
        return
    for first, count in places:
        at = float(match.source[match.shown[first]])
        off = float(np.sqrt(match.unlike[first : first + count].max()))
        message = f"{many(count, 'picture')} not like the source, from {at:.3f} s on (off by up to {off:.0f} of 255)"
        yield Fault("picture", message, count, at)


def _last(match: Match, shift: float, tick: float) -> Iterator[Fault]:
    """The end of the last frame, where both films show the same last."""
    if not match.shown or match.shown[-1] != len(match.source) - 1 or len(match.source) < 2:
        return
    late = match.result_end - match.source_end - shift
    frame = float(match.source[-1] - match.source[0]) / (len(match.source) - 1)
    if abs(late) > frame + tick + _ROUNDED:
        when = "later" if late > 0 else "earlier"
        yield Fault("time", f"the film ends {abs(late):.3f} s {when} than the source", 1, match.source_end)
