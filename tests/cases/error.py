"""How far the colours of a result are from the truth, in levels: of the source's depth, or the result's if it has less.

Everywhere: from what a float64 model (truth.py) makes of the source's samples. Flats: from the known RGB of the bars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.cases import pattern, samples, seen_colours, truth
from tests.cases.case import DAMAGED
from tests.cases.command import Run
from tests.cases.samples import Layout
from tests.cases.seen_colours import Picture

_LOSSY = {"mpeg1video", "mpeg2video", "mjpeg", "prores", "dvvideo"}  # decoders: what they give, an encoder has changed


def everywhere(run: Run) -> float | None:
    """The worst sample of some frames; None where there is nothing to compare, or FFmpeg made up what was damaged.

    None, too, where the result's codec can't but change samples.
    """
    found = [apart(given, made, run.case.scale) for given, made in _pairs(run)]
    return max((worst for worst in found if worst is not None), default=None)


def flats(run: Run) -> float | None:
    """The worst sample in the middles of the bars; their means where the result has fewer bits, and is dithered.

    None where the source's own codec has changed them.
    """
    return max((_bars_apart(given, made) for given, made in _pairs(run) if given.codec not in _LOSSY), default=None)


def alpha(run: Run) -> float | None:
    """The worst sample of alpha; None where source or result have none."""
    pairs = [(given, made) for given, made in _pairs(run) if given.layout.alpha and made.layout.alpha]
    return max((_opaque_apart(given, made, run.case.scale) for given, made in pairs), default=None)


def _pairs(run: Run) -> Iterator[tuple[Picture, Picture]]:
    """The first, the middle and the last frame of the result, each with the one of the source that it was made of.

    Those whose source frame is of another size or format than the first were resampled before; and of fields, frames
    were made.
    """
    head = seen_colours.first(run.source)
    if run.result is None or run.expected.code == DAMAGED or not run.shown or head is None:
        return
    if re.search(r"\bdeinterlaced\b", run.outcome.said):
        return
    places = {0, len(run.shown) // 2, len(run.shown) - 1}
    sources = {place: _source(run, place) for place in places}
    made = seen_colours.pictures(run.result, places)
    given = seen_colours.pictures(run.source, sources.values())
    for place in places & made.keys():
        source = given.get(sources[place])
        if source and (source.size, source.layout) == (head.size, head.layout) and made[place].codec not in _LOSSY:
            yield source, made[place]


def _source(run: Run, place: int) -> int:
    """Which of the source's frames became that of the result; one that there isn't if none is known."""
    number, numbers = run.shown[place].number, [shown.number for shown in run.given]
    if len(numbers) == len(run.shown) and numbers[place] == number:
        return place
    return numbers.index(number) if number is not None and number in numbers else -1


def apart(given: Picture, made: Picture, scale: int = 1) -> float | None:
    """The worst sample of a frame, made of another that is `scale` times smaller."""
    if max(given.layout.sub_x, given.layout.sub_y, made.layout.sub_x) > 1:
        return None  # FFmpeg resamples such chroma first
    rgb = truth.rgb(given.planes, given.layout, given.meant)
    if given.turn != made.turn:
        rgb = samples.turned(rgb, given.turn)
    rgb = rgb.repeat(scale, 1).repeat(scale, 2)
    wanted = truth.coded(rgb, made.layout, made.meant)
    return max(_worst(a, b, made.layout) for a, b in zip(made.planes, wanted, strict=False)) / _unit(given, made)


def _bars_apart(given: Picture, made: Picture) -> float:
    bars = pattern.BARS.T[:, None] / 255
    if given.layout.kinds == "Y":
        grey = truth.coded(bars, given.layout, given.meant)
        bars = truth.rgb(tuple(np.rint(plane) for plane in grey), given.layout, given.meant)
    wanted = truth.coded(bars, replace(made.layout, sub_x=0, sub_y=0), made.meant)
    dithered = made.layout.bits < given.layout.bits
    far = _means_apart if dithered else _samples_apart
    planes = [plane.T if made.size[1] > made.size[0] else plane for plane in made.planes]
    return max(far(_middles(a), b[0]) for a, b in zip(planes, wanted, strict=False)) / _unit(given, made)


def _samples_apart(middles: list[NDArray[np.int64]], wanted: truth.Samples) -> float:
    return float(max(np.abs(bar - level).max() for bar, level in zip(middles, np.rint(wanted), strict=True)))


def _means_apart(middles: list[NDArray[np.int64]], wanted: truth.Samples) -> float:
    return float(max(abs(bar.mean() - level) for bar, level in zip(middles, wanted, strict=True)))


def _middles(plane: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The middle of each of the eight bars, where no filter brings in its neighbours."""
    height, width = plane.shape
    columns = [(width * (8 * bar + 3) // 64, width * (8 * bar + 5) // 64) for bar in range(8)]
    return [plane[height // 8 : height * 3 // 8, start:end] for start, end in columns]


def _opaque_apart(given: Picture, made: Picture, scale: int) -> float:
    assert given.opaque is not None
    assert made.opaque is not None
    share = truth.enlarged(given.opaque / given.layout.highest, scale)
    return _worst(made.opaque, share * made.layout.highest, made.layout) / _unit(given, made)


def _worst(made: NDArray[np.int64], wanted: truth.Samples, layout: Layout) -> float:
    """Between samples and what they must be, rounded; what an encoder had to pad is left out."""
    height, width = wanted.shape
    return float(np.abs(made[:height, :width] - np.clip(np.rint(wanted), 0, layout.highest)).max())


def _unit(given: Picture, made: Picture) -> int:
    """How many levels of the result are one of the lower depth."""
    return int(2 ** max(0, made.layout.bits - given.layout.bits))
