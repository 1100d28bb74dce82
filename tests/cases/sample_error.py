"""Measures how far the colours of an output are off, in levels of the lower of both depths.

A sample's error is its distance from what a float64 model (reference.py) makes of the source's samples; a flat field's
is its distance from the known RGB of the bars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.cases import pattern, probe_colours, reference, samples
from tests.cases.case import DAMAGED
from tests.cases.command import CaseRun
from tests.cases.probe_colours import FrameSamples
from tests.cases.samples import Layout

_LOSSY = {"mpeg1video", "mpeg2video", "mjpeg", "prores", "dvvideo"}  # decoders of codecs that change samples


def worst_sample(run: CaseRun) -> float | None:
    """Returns the largest error of a sample of the first, the middle and the last frame.

    None where there is nothing to compare, FFmpeg conceals damage, or the output's codec is lossy.
    """
    errors = [frame_error(source, output, run.case.scale) for source, output in _pairs(run)]
    return max((error for error in errors if error is not None), default=None)


def worst_flat(run: CaseRun) -> float | None:
    """Returns the largest error in the middles of the bars; of their means where the output is dithered to fewer bits.

    None where the source's codec is lossy.
    """
    errors = (_bar_error(source, output) for source, output in _pairs(run) if source.codec not in _LOSSY)
    return max(errors, default=None)


def worst_alpha(run: CaseRun) -> float | None:
    """Returns the largest error of alpha; None where source or output have none."""
    pairs = [(source, output) for source, output in _pairs(run) if source.layout.alpha and output.layout.alpha]
    return max((_alpha_error(source, output, run.case.scale) for source, output in pairs), default=None)


def _pairs(run: CaseRun) -> Iterator[tuple[FrameSamples, FrameSamples]]:
    """The first, the middle and the last frame of the output, each behind its frame of the source.

    Without those whose source frame has another size or format than the first, which were resampled, and without
    deinterlaced ones.
    """
    head = run.source_colours
    if run.output is None or run.expected.code == DAMAGED or not run.output_frames or head is None:
        return
    if re.search(r"deinterlaced, one frame per|is film, telecined", " ".join(run.outcome.messages.split())):
        return
    places = {0, len(run.output_frames) // 2, len(run.output_frames) - 1}
    source_places = {place: _source_place(run, place) for place in places}
    outputs = probe_colours.frames_at(run.output, places)
    sources = probe_colours.frames_at(run.source, source_places.values())
    for place in places & outputs.keys():
        whole = sources.get(source_places[place])
        source = whole and whole.cropped(run.expected.crop)
        if source and (source.size, source.layout) == (head.size, head.layout) and outputs[place].codec not in _LOSSY:
            yield source, outputs[place]


def _source_place(run: CaseRun, place: int) -> int:
    """The place of the source frame that the output's frame at `place` was made from; -1 if it is unknown."""
    number, numbers = run.output_frames[place].number, [frame.number for frame in run.source_frames]
    if len(numbers) == len(run.output_frames) and numbers[place] == number:
        return place
    return numbers.index(number) if number is not None and number in numbers else -1


def frame_error(source: FrameSamples, output: FrameSamples, scale: int = 1) -> float | None:
    """Returns the largest error of a frame, `scale` times as large as its source; None if FFmpeg resamples chroma."""
    if max(source.layout.sub_x, source.layout.sub_y, output.layout.sub_x) > 1:
        return None
    rgb = reference.decode_rgb(source.planes, source.layout, source.resolved_tags)
    if source.display_matrix != output.display_matrix:
        rgb = samples.rotate(rgb, source.display_matrix)
    rgb = rgb.repeat(scale, 1).repeat(scale, 2)
    expected = reference.encode_rgb(rgb, output.layout, output.resolved_tags)
    errors = (_plane_error(a, b, output.layout) for a, b in zip(output.planes, expected, strict=False))
    return max(errors) / _unit(source, output)


def _bar_error(source: FrameSamples, output: FrameSamples) -> float:
    bars: reference.Samples = pattern.BARS.T[:, None] / 255
    if source.layout.kinds == "Y":
        grey = reference.encode_rgb(bars, source.layout, source.resolved_tags)
        levels = tuple(np.rint(plane).astype(np.int64) for plane in grey)
        bars = reference.decode_rgb(levels, source.layout, source.resolved_tags)
    expected = reference.encode_rgb(bars, replace(output.layout, sub_x=0, sub_y=0), output.resolved_tags)
    is_dithered = output.layout.bits < source.layout.bits
    error = _mean_error if is_dithered else _level_error
    planes = [plane.T if output.size[1] > output.size[0] else plane for plane in output.planes]
    errors = (error(_middles(plane), bar[0]) for plane, bar in zip(planes, expected, strict=False))
    return max(errors) / _unit(source, output)


def _level_error(middles: list[NDArray[np.int64]], expected: reference.Samples) -> float:
    return float(max(np.abs(bar - level).max() for bar, level in zip(middles, np.rint(expected), strict=True)))


def _mean_error(middles: list[NDArray[np.int64]], expected: reference.Samples) -> float:
    return float(max(abs(bar.mean() - level) for bar, level in zip(middles, expected, strict=True)))


def _middles(plane: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The middle of each of the eight bars, where no filter reaches its neighbours."""
    height, width = plane.shape
    columns = [(width * (8 * bar + 3) // 64, width * (8 * bar + 5) // 64) for bar in range(8)]
    return [plane[height // 8 : height * 3 // 8, start:end] for start, end in columns]


def _alpha_error(source: FrameSamples, output: FrameSamples, scale: int) -> float:
    assert source.alpha_plane is not None
    assert output.alpha_plane is not None
    opacity = reference.enlarge(source.alpha_plane / source.layout.highest, scale)
    expected = opacity * output.layout.highest
    return _plane_error(output.alpha_plane, expected, output.layout) / _unit(source, output)


def _plane_error(plane: NDArray[np.int64], expected: reference.Samples, layout: Layout) -> float:
    """The largest distance from the expected samples, rounded; without samples that an encoder added as padding."""
    height, width = expected.shape
    return float(np.abs(plane[:height, :width] - np.clip(np.rint(expected), 0, layout.highest)).max())


def _unit(source: FrameSamples, output: FrameSamples) -> int:
    """The number of the output's levels in a level of the lower depth."""
    return int(2 ** max(0, output.layout.bits - source.layout.bits))
